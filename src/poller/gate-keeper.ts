import type { Clock } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import { type Answer, mayBeOfOrder } from '../upstream/answer.ts';
import type { CallBudget } from './budget.ts';
import { type CallResult, type GateState, shuttingDown, type UpstreamGate } from './gate.ts';
import type { GateLog } from './gate-log.ts';
import type { Hold } from './hold.ts';
import type { Requests } from './requests.ts';

/** So many in a row are hardly somebody's made-up ids alone. */
const MOST_INCONCLUSIVE = 20;
/** The pause after each further one: short, in case they are. */
const UNSURE_MS = 2_000;

/** The order that a check asked for. */
export interface Asked {
  readonly orderId: string;
  /** If the check failed: whether the upstream has shown the order before. */
  readonly isKnown: boolean;
}

type Failed = Extract<Answer, { kind: 'failed' }>;

interface GateKeeperOptions {
  readonly gate: UpstreamGate;
  readonly gateLog: GateLog;
  readonly hold: Hold;
  readonly budget: CallBudget;
  /** Stores the budget for the next process. Never rejects. */
  readonly keepBudget: () => Promise<void>;
  readonly requests: Requests;
  readonly clock: Clock;
}

/**
 * Passes on what each answer says of the upstream as a whole: to the gate and the budget, to the log, to the queries
 * that wait, and to the process that takes over.
 */
export class GateKeeper {
  readonly #options: GateKeeperOptions;
  /** How many failures since the last good answer may have been due to ids that nobody has sent. */
  #inconclusive = 0;
  /** Whether this process has had a good answer: if not, whatever fails may be due to a wrong address. */
  #hasAnswered = false;

  constructor(options: GateKeeperOptions) {
    this.#options = options;
  }

  get state(): GateState {
    const { gate, clock } = this.#options;
    return gate.stateAt(clock.steady());
  }

  /** The error for queries while no calls start, and none soon; otherwise `undefined`. */
  get refusal(): GatewayError | undefined {
    const { gate, clock } = this.#options;
    return gate.refusalAt(clock.steady());
  }

  /** Tells of a wait that an earlier process was told. */
  start(): void {
    const { gateLog, clock } = this.#options;
    gateLog.tell(this.state, clock.steady());
  }

  /** To be called with each answer as soon as it arrives; `asked` if it was a check. */
  answered(answer: Answer, asked?: Asked): void {
    const { gate, gateLog, hold, requests, clock } = this.#options;
    const now = clock.steady();
    const before = gate.stateAt(now);
    if (answer.kind === 'throttled') this.#slowDown();
    const after = gate.report(this.#resultOf(answer, asked), now);
    // Noted before waiting queries are told.
    if (after.name !== before.name || untilOf(after) !== untilOf(before)) void hold.keep(after);
    if (after.name !== before.name) gateLog.tell(after, now, answer);
    const refusal = gate.refusalAt(now);
    if (refusal !== undefined) requests.failAll(refusal);
  }

  /** Lets no more calls through, and fails the queries that wait: the gateway shuts down. */
  close(): void {
    const { gate, requests } = this.#options;
    gate.close();
    requests.failAll(shuttingDown());
  }

  /** Writes down what the next process must know. */
  async stop(): Promise<void> {
    const { hold, keepBudget } = this.#options;
    // The budget counts each call from its answer on: the last answers came after the last write.
    await keepBudget();
    // Noted anew, since the system's clock may have been set during a wait.
    await hold.keep(this.state);
  }

  /**
   * Anybody may ask for an id that never existed, and OneClickDz may fail at that: such a failure must not keep the
   * gateway from serving others. An order that the log holds exists, but may be broken all the same.
   */
  #resultOf(answer: Answer, asked: Asked | undefined): CallResult {
    const result = toCallResult(answer);
    if (result.kind === 'good') {
      this.#hasAnswered = true;
      this.#inconclusive = 0;
    }
    if (answer.kind !== 'failed' || asked === undefined || !this.#hasAnswered) return result;
    if (!mayBeOfOrder(answer)) return result;
    if (asked.isKnown) return { kind: 'failed', orderId: asked.orderId };
    this.#inconclusive += 1;
    return this.#inconclusive < MOST_INCONCLUSIVE
      ? { kind: 'inconclusive' }
      : { kind: 'failed', retryAfterMs: UNSURE_MS };
  }

  #slowDown(): void {
    const { budget, keepBudget } = this.#options;
    budget.shrink();
    // The next call is far, and whoever takes over until then would go on as before.
    void keepBudget();
  }
}

function untilOf(state: GateState): number | undefined {
  return 'until' in state ? state.until : undefined;
}

function toCallResult(answer: Answer): CallResult {
  switch (answer.kind) {
    case 'observed':
    case 'listed':
    case 'unknown':
    case 'validated':
      return { kind: 'good' };
    case 'failed':
      return ofFailure(answer);
    default:
      return answer;
  }
}

function ofFailure(answer: Failed): CallResult {
  switch (answer.reason) {
    case 'forbidden':
      return { kind: 'doubtful' };
    // The upstream may only have become slow: the next call is given more time.
    case 'slow':
      return { kind: 'inconclusive' };
    default:
      return answer;
  }
}
