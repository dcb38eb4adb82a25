import { atMost } from '../core/at-most.ts';
import type { Clock } from '../core/ports.ts';
import { GatewayError } from '../errors.ts';
import type { Answer } from '../upstream/answer.ts';
import type { StartedCall } from './budget.ts';
import type { Checked, Checker } from './checker.ts';
import type { Job } from './choice.ts';
import { shuttingDown } from './gate.ts';
import type { Asked, GateKeeper } from './gate-keeper.ts';
import type { InFlight } from './in-flight.ts';
import type { KeyTrial } from './key-trial.ts';
import type { ListedEnds } from './listed-ends.ts';
import type { MissingCards } from './missing-cards.ts';
import type { Requests } from './requests.ts';
import type { Sends } from './sends.ts';
import type { StoreFaults } from './store-faults.ts';
import type { Sweep } from './sweep-planner.ts';
import type { Sweeps } from './sweeps.ts';

/** How long a shutdown waits for calls in flight. */
const STOP_MS = 2_000;

interface CallsOptions {
  readonly checker: Checker;
  readonly sweeps: Sweeps;
  readonly gateKeeper: GateKeeper;
  readonly sends: Sends;
  readonly inFlight: InFlight;
  readonly requests: Requests;
  readonly listedEnds: ListedEnds;
  readonly missingCards: MissingCards;
  readonly storeFaults: StoreFaults;
  readonly clock: Clock;
  /** Called after each call, once it is no longer in flight and its queries are answered. */
  readonly onEnd: () => void;
}

/**
 * Follows each call from its start to its end: its answer goes to the gate keeper, its outcome to whoever waits for it.
 */
export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  start(job: Job, call: StartedCall): void {
    if (job.kind === 'sweep') this.#sweep(job.sweep, call);
    else this.#check(job.orderId, call);
  }

  startTrial(keyTrial: KeyTrial, call: StartedCall): void {
    const { inFlight, onEnd } = this.#options;
    const tried = keyTrial.run((answer) => {
      // A failure says nothing about the calls for orders: an environment may lack `validate` and have those.
      if (answer.kind === 'failed') call.end();
      else this.#onAnswer(answer, call);
    });
    inFlight.addOther(tried).then(onEnd);
  }

  /**
   * Resolves once the answers of the calls in flight are recorded. Gives up calls that take longer than `STOP_MS`; the
   * next process repeats them.
   */
  async stop(): Promise<void> {
    const { inFlight, clock } = this.#options;
    await atMost(STOP_MS, inFlight.settled(), clock);
    inFlight.giveUp(shuttingDown());
  }

  #sweep(sweep: Sweep, call: StartedCall): void {
    const { sweeps, requests, inFlight, storeFaults, onEnd } = this.#options;
    const sweeping = sweeps
      .run(sweep, (answer) => this.#onAnswer(answer, call))
      .then(
        (orders) => {
          if (orders.length > 0) storeFaults.wrote();
          for (const order of orders) {
            requests.settle(order.latest.orderId, { kind: 'observed', order });
          }
        },
        (error: unknown) => storeFaults.met(error),
      );
    inFlight.addSweep(sweep, sweeping).then(onEnd);
  }

  #check(orderId: string, call: StartedCall): void {
    const { checker, listedEnds, missingCards, requests, inFlight, storeFaults, onEnd } =
      this.#options;
    const isForCard = missingCards.take(orderId);
    const answerRequest = requests.take(orderId);
    const checked = checker
      .check({ orderId, isAwaited: answerRequest !== undefined }, (answer, asked) =>
        this.#onAnswer(answer, call, asked),
      )
      .catch((error: unknown): Checked => this.#onStoreFault(error))
      .then((checked) => this.#withWait(checked));
    inFlight.addCheck(orderId, checked).then((checked) => {
      listedEnds.checked(orderId);
      if (checked.kind === 'observed') {
        storeFaults.wrote();
        missingCards.fetched(orderId);
      } else if (isForCard && !wasTurnedAway(checked)) missingCards.failed(orderId);
      answerRequest?.(checked);
      onEnd();
    });
  }

  #onAnswer(answer: Answer, call: StartedCall, asked?: Asked): void {
    const { sends, gateKeeper } = this.#options;
    call.end();
    sends.answered(answer);
    gateKeeper.answered(answer, asked);
  }

  #onStoreFault(cause: unknown): Checked {
    this.#options.storeFaults.met(cause);
    const error = new GatewayError('INTERNAL_SERVER_ERROR', 'The gateway failed.', { cause });
    return { kind: 'failed', error };
  }

  /** If a failure has stopped all calls, gives the queries of this call the same error as all later queries. */
  #withWait(checked: Checked): Checked {
    if (checked.kind !== 'failed' || checked.error.code === 'INTERNAL_SERVER_ERROR') return checked;
    return { ...checked, error: this.#options.gateKeeper.refusal ?? checked.error };
  }
}

/** Whether the upstream refused the call, whatever its order: that is asked for again as soon as calls may start. */
function wasTurnedAway(checked: Checked): boolean {
  if (checked.kind !== 'failed') return false;
  const { code } = checked.error;
  return code === 'UPSTREAM_THROTTLED' || code === 'UPSTREAM_REFUSED';
}
