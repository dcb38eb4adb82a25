import type { Clock, Logger, Timer } from '../core/ports.ts';
import type { Order, Schedule } from '../core/store.ts';
import { GatewayError } from '../errors.ts';
import type { CheckAnswer, ListAnswer } from '../upstream/answer.ts';
import type { CallBudget } from './budget.ts';
import type { Checked, Checker } from './checker.ts';
import type { CallResult, GateState, UpstreamGate } from './gate.ts';
import type { Pacer } from './pace.ts';
import type { Sweep, Sweeps } from './sweeps.ts';
import type { Watchers } from './watchers.ts';

/** Somebody who waits for an answer is told after this long that the budget is spent. */
const LONGEST_WAIT_MS = 5_000;

/** Of so many calls one goes to the schedule, however many queries wait. */
const ONE_IN = 3;

/** What a look gains counts for more where somebody watches. */
const WATCHED_WEIGHT = 2;

/** Calls whose answers cannot be written down would be wasted. */
const STORE_FAULT_PAUSE_MS = 1_000;

/** How long a shutdown waits for calls that are in flight. */
const STOP_MS = 2_000;

/** What a deploy takes, for clients that are asked to come back. */
const RESTART_MS = 3_000;

/** Due orders to choose from at a time. */
const CHOICE = 100;

export interface DispatcherOptions {
  readonly checker: Checker;
  readonly sweeps: Sweeps;
  readonly pacer: Pacer;
  readonly schedule: Schedule;
  readonly watchers: Watchers;
  readonly budget: CallBudget;
  readonly gate: UpstreamGate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when calls stop or go on, before anything else is done. */
  readonly onGateChange: (state: GateState) => void;
}

/** An order that is due; `order` is `undefined` for one that no call has shown us yet. */
interface Scheduled {
  readonly orderId: string;
  readonly order: Order | undefined;
}

interface Request {
  readonly promise: Promise<Checked>;
  readonly settle: (checked: Checked) => void;
}

/**
 * Spends the budget: decides which order the next call is for, and when. A query that somebody waits for
 * goes first, then the schedule, the longest due first. One call at a time for one order.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #requests = new Map<string, Request>();
  readonly #inFlight = new Map<string, Promise<Checked>>();
  /** Orders that a list call in flight will show. */
  readonly #swept = new Set<string>();
  readonly #sweeping = new Set<Promise<void>>();
  #sinceSchedule = 0;
  #faultUntil = 0;
  #timer: Timer | undefined;
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#state = 'running';
    this.wake();
  }

  /**
   * Starts no more calls, answers those who wait, and returns once the calls in flight are on disk; one that
   * takes long is given up, and asked again by the next process.
   */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#failRequests(shuttingDown());
    await this.#pumping;
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(STOP_MS, late.resolve);
    await Promise.race([
      Promise.all([...this.#inFlight.values(), ...this.#sweeping]),
      late.promise,
    ]);
    timer.cancel();
  }

  /** One check of this order as soon as the budget allows, shared with whoever else asks for it now. */
  request(orderId: string): Promise<Checked> {
    const shared = this.#inFlight.get(orderId) ?? this.#requests.get(orderId)?.promise;
    if (shared !== undefined) return shared;
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.resolve({ kind: 'failed', error: refusal });
    const { promise, resolve: settle } = Promise.withResolvers<Checked>();
    this.#requests.set(orderId, { promise, settle });
    this.wake();
    return promise;
  }

  /** Looks at the schedule again: something may be due sooner than it was. */
  wake(): void {
    if (this.#state !== 'running') return;
    this.#pumpAgain = true;
    this.#pumping ??= this.#pump();
  }

  #refusal(): GatewayError | undefined {
    const { gate, budget, clock } = this.#options;
    if (this.#state === 'stopped') {
      return shuttingDown();
    }
    const waitMs = budget.waitMs(this.#requests.size + 1);
    return (
      gate.refusalAt(clock.now()) ??
      (waitMs > LONGEST_WAIT_MS
        ? new GatewayError(
            'UPSTREAM_THROTTLED',
            'The calls that the API key allows are spent for the moment.',
            { retryAfterMs: waitMs },
          )
        : undefined)
    );
  }

  #failRequests(error: GatewayError): void {
    for (const { settle } of this.#requests.values()) settle({ kind: 'failed', error });
    this.#requests.clear();
  }

  async #pump(): Promise<void> {
    while (this.#pumpAgain && this.#state === 'running') {
      this.#pumpAgain = false;
      try {
        while (this.#mayCall() && (await this.#startNext()));
        await this.#sleepUntilNext();
      } catch (error) {
        this.#onStoreFault(error);
      }
    }
    // In the same breath as the last look at `#pumpAgain`: a wake between the two would be lost.
    this.#pumping = undefined;
  }

  #mayCall(): boolean {
    const { gate, budget, clock } = this.#options;
    const now = clock.now();
    if (this.#state !== 'running' || now < this.#faultUntil) return false;
    return gate.admits(now, this.#callsInFlight()) && budget.left > 0;
  }

  #callsInFlight(): number {
    return this.#inFlight.size + this.#sweeping.size;
  }

  #isBusy(orderId: string): boolean {
    return this.#inFlight.has(orderId) || this.#swept.has(orderId);
  }

  /** Starts one call; `false` where there is nothing to ask, or no longer leave to. */
  async #startNext(): Promise<boolean> {
    const card = this.#options.sweeps.takeCard();
    if (card !== undefined && !this.#isBusy(card)) return this.#start({ orderId: card });
    const scheduled = await this.#nextScheduled();
    const requested = this.#nextRequested();
    const turn = this.#sinceSchedule >= ONE_IN - 1 && scheduled !== undefined;
    if (requested !== undefined && !turn) {
      this.#sinceSchedule += 1;
      return this.#start({ orderId: requested });
    }
    if (scheduled === undefined) return false;
    this.#sinceSchedule = 0;
    const sweep = await this.#options.sweeps.plan(scheduled, (orderId) => this.#isBusy(orderId));
    return this.#start(sweep ?? scheduled);
  }

  #nextRequested(): string | undefined {
    for (const orderId of this.#requests.keys()) if (!this.#isBusy(orderId)) return orderId;
    return undefined;
  }

  /** `false` where there was no longer leave to. */
  #start(job: { readonly orderId: string } | Sweep): boolean {
    if (!this.#mayCall() || !this.#options.budget.take()) return false;
    if ('covered' in job) this.#sweep(job);
    else this.#call(job.orderId);
    return true;
  }

  #sweep(sweep: Sweep): void {
    for (const { orderId } of sweep.covered) this.#swept.add(orderId);
    const sweeping: Promise<void> = this.#options.sweeps
      .run(sweep)
      .then(
        (answer) => this.#onAnswer(answer),
        (error: unknown) => void this.#onStoreFault(error),
      )
      .then(() => {
        for (const { orderId } of sweep.covered) this.#swept.delete(orderId);
        this.#sweeping.delete(sweeping);
        this.wake();
      });
    this.#sweeping.add(sweeping);
  }

  #call(orderId: string): void {
    const request = this.#requests.get(orderId);
    this.#requests.delete(orderId);
    const checked = this.#options.checker
      .check(orderId, (answer) => this.#onAnswer(answer))
      .catch((error: unknown): Checked => this.#onStoreFault(error))
      .then((checked) => {
        const result = this.#withWait(checked);
        this.#inFlight.delete(orderId);
        request?.settle(result);
        this.wake();
        return result;
      });
    this.#inFlight.set(orderId, checked);
  }

  /** Where a failure stops all calls, whoever waited for that one is told the same as all who come after. */
  #withWait(checked: Checked): Checked {
    if (checked.kind !== 'failed' || checked.error.code === 'INTERNAL_SERVER_ERROR') return checked;
    const { gate, clock } = this.#options;
    return { kind: 'failed', error: gate.refusalAt(clock.now()) ?? checked.error };
  }

  /** Of the orders that are due, the one that gains most by being asked now. */
  async #nextScheduled(): Promise<Scheduled | undefined> {
    const { schedule, watchers, pacer, clock } = this.#options;
    const now = clock.now();
    let best: Scheduled | undefined;
    let most = Number.NEGATIVE_INFINITY;
    const consider = (candidate: Scheduled, gainMs: number) => {
      if (gainMs <= most || this.#isBusy(candidate.orderId)) return;
      best = candidate;
      most = gainMs;
    };
    for (const order of await schedule.due({ before: now, limit: CHOICE })) {
      const { orderId } = order.latest;
      const weight = watchers.has(orderId) ? WATCHED_WEIGHT : 1;
      consider({ orderId, order }, pacer.gainMs(order, now) * weight);
    }
    for (const { orderId, dueAt } of watchers.unseenDue(now)) {
      const gainMs = pacer.firstLookGainMs(dueAt, now) * WATCHED_WEIGHT;
      consider({ orderId, order: undefined }, gainMs);
    }
    return best;
  }

  #onAnswer(answer: CheckAnswer | ListAnswer): void {
    const { gate, budget, clock, logger, onGateChange } = this.#options;
    const now = clock.now();
    const before = gate.stateAt(now);
    if (answer.kind === 'throttled' && before.name !== 'throttled') budget.shrink();
    const after = gate.report(toCallResult(answer), now);
    if (after.name !== before.name) {
      onGateChange(after);
      logGateChange(logger, after, now);
    }
    const refusal = gate.refusalAt(now);
    if (refusal !== undefined) this.#failRequests(refusal);
  }

  async #sleepUntilNext(): Promise<void> {
    const { gate, budget, clock } = this.#options;
    const now = clock.now();
    const state = gate.stateAt(now);
    const gateAt = 'until' in state ? state.until : now;
    // With every place taken, the next call that comes back wakes us.
    if (gateAt <= now && !gate.admits(now, this.#callsInFlight())) return;
    const workAt = this.#requests.size > 0 ? now : await this.#nextDueAt();
    if (workAt === undefined || this.#state !== 'running') return;
    const at = Math.max(workAt, gateAt, now + budget.waitMs(), this.#faultUntil, now + 1);
    this.#timer?.cancel();
    this.#timer = clock.after(at - clock.now(), () => this.wake());
  }

  /** When the next order is due that is not being asked about already. */
  async #nextDueAt(): Promise<number | undefined> {
    const { schedule, watchers } = this.#options;
    const limit = this.#inFlight.size + this.#swept.size + 1;
    const stored = await schedule.due({ before: Number.MAX_SAFE_INTEGER, limit });
    const times: number[] = [];
    for (const { latest, dueAt } of stored) {
      if (dueAt !== null && !this.#isBusy(latest.orderId)) times.push(dueAt);
    }
    for (const { orderId, dueAt } of watchers.unseenDue(Number.MAX_SAFE_INTEGER)) {
      if (!this.#isBusy(orderId)) times.push(dueAt);
    }
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }

  /** The disk failed us. Nothing is lost but time: what was not written is asked again, after a pause. */
  #onStoreFault(cause: unknown): Checked {
    const { clock, logger } = this.#options;
    const reason = cause instanceof Error ? cause.message : 'unknown';
    logger.error({ reason }, 'the snapshot log failed; polling goes on in a second');
    this.#faultUntil = clock.now() + STORE_FAULT_PAUSE_MS;
    this.#timer?.cancel();
    this.#timer = clock.after(STORE_FAULT_PAUSE_MS, () => this.wake());
    const error = new GatewayError('INTERNAL_SERVER_ERROR', 'The gateway failed.', { cause });
    return { kind: 'failed', error };
  }
}

function shuttingDown(): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', 'The gateway is shutting down.', {
    retryAfterMs: RESTART_MS,
  });
}

function toCallResult(answer: CheckAnswer | ListAnswer): CallResult {
  switch (answer.kind) {
    case 'observed':
    case 'listed':
    case 'unknown':
      return { kind: 'good' };
    case 'refused':
      return { kind: 'refused' };
    case 'throttled':
      return { kind: 'throttled', retryAfterMs: answer.retryAfterMs };
    case 'failed':
      return { kind: 'failed', retryAfterMs: answer.retryAfterMs };
  }
}

function logGateChange(logger: Logger, state: GateState, now: number): void {
  const waitSeconds = 'until' in state ? Math.ceil((state.until - now) / 1_000) : undefined;
  switch (state.name) {
    case 'refused':
      logger.error(
        { waitSeconds },
        'OneClickDz refuses the API key or this address: no more calls until the wait is over, since the fifth bad try locks the address out. Check ONECLICKDZ_API_KEY and the allowed addresses',
      );
      break;
    case 'throttled':
      logger.warn({ waitSeconds }, 'OneClickDz asked us to slow down');
      break;
    case 'failing':
      logger.warn({ waitSeconds }, 'OneClickDz fails: one call at a time will try it again');
      break;
    default:
      logger.info({}, 'OneClickDz answers');
  }
}
