import type { Clock } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { Answer } from '../upstream/answer.ts';
import type { CallBudget } from './budget.ts';
import { type CallResult, type GateState, shuttingDown, type UpstreamGate } from './gate.ts';
import type { GateLog } from './gate-log.ts';
import type { Hold } from './hold.ts';
import type { Requests } from './requests.ts';

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
 * Passes on what each answer says of the upstream as a whole: to the gate and the budget, to the log, to the queries that
 * wait, and to the process that takes over.
 */
export class GateKeeper {
  readonly #options: GateKeeperOptions;

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

  /** To be called with each answer as soon as it arrives. */
  answered(answer: Answer): void {
    const { gate, gateLog, hold, requests, clock } = this.#options;
    const now = clock.steady();
    const before = gate.stateAt(now);
    if (answer.kind === 'throttled' && before.name !== 'throttled') this.#slowDown();
    const after = gate.report(toCallResult(answer), now);
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
    default:
      return answer;
  }
}
