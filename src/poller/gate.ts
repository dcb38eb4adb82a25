import { MINUTE_MS } from '../core/durations.ts';
import { GatewayError } from '../errors.ts';

/**
 * Whether the upstream may be called at all: one state machine for the whole key, a circuit breaker.
 *
 *     proving ──good answer──> serving ──failures in a row──> failing ──time──> proving
 *        │                        ├────────429──────────────> throttled ──time─────^
 *        └──failure──> failing    ├────────401, 403─────────> refused ────time─────^
 *                                 └────────doubtful────────────────────────────────^
 *
 * Failures about one order alone do not count: that order may be at fault.
 *
 * `proving` lets through one call at a time. The gateway starts in that state, so that a bad key is tried only once,
 * however many queries wait: the upstream blocks the merchant's address after the fifth call with a bad key. All times
 * are by `Clock.steady`: setting the system's clock neither ends a wait nor prolongs it.
 */
export type GateState =
  | ({ readonly name: 'proving'; readonly breakMs: number; readonly isDoubted?: true } & Suspect)
  | ({ readonly name: 'serving'; readonly failuresInRow: number } & Suspect)
  | {
      readonly name: 'failing';
      readonly until: number;
      readonly breakMs: number;
      /** The upstream told how long to wait. */
      readonly isTold?: true;
    }
  | { readonly name: 'throttled'; readonly until: number }
  | { readonly name: 'refused'; readonly until: number };

/** The order that all failures since the last good answer were about: the order may be at fault, not the upstream. */
interface Suspect {
  readonly failedOrder?: string | undefined;
}

/** What the outcome of a call says about the upstream as a whole. */
export type CallResult =
  | { readonly kind: 'good' }
  /** Nothing: the failure may well be due to what was asked for. */
  | { readonly kind: 'inconclusive' }
  | {
      readonly kind: 'failed';
      readonly retryAfterMs?: number | undefined;
      /** Left out if the failure cannot be due to the order that was asked for. */
      readonly orderId?: string | undefined;
    }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
  /** It refused this call, and perhaps the key. */
  | { readonly kind: 'doubtful' }
  | { readonly kind: 'refused' };

type Failure = Extract<CallResult, { kind: 'failed' }>;

/** Fewer than the five refused calls after which the upstream blocks an address, in case the key is revoked. */
const MOST_UNDECIDED = 4;
/** A call in flight for this long is not refused: a key is checked before any work is done for a call. */
const DECIDED_MS = 2_000;
/** Enough for all calls that a key allows if each takes ten seconds. */
const MOST_IN_FLIGHT = 20;
/** How many calls may be in flight in each state. */
const MOST_AT_ONCE: Readonly<Record<GateState['name'], number>> = {
  proving: 1,
  serving: MOST_IN_FLIGHT,
  failing: 0,
  throttled: 0,
  refused: 0,
};
const FAILURES_BEFORE_BREAK = 5;
const FAILURES_BEFORE_DOUBT = 2;
const FIRST_BREAK_MS = 2_000;
const LONGEST_BREAK_MS = MINUTE_MS;
/** A 503 may ask for any wait, but one mistaken `Retry-After` must not stop the gateway for an hour. */
const LONGEST_FAILING_MS = 5 * MINUTE_MS;
const THROTTLED_MS = 15_000;
const REFUSED_MS = 15 * MINUTE_MS;

/** The `retryAfterMs` that clients get during a shutdown: about as long as a deploy takes. */
const RESTART_MS = 3_000;

export class UpstreamGate {
  #state: GateState;
  #isClosed = false;

  constructor(state: GateState = { name: 'proving', breakMs: FIRST_BREAK_MS }) {
    this.#state = state;
  }

  /** The state at `now`. A wait that is over by then becomes `proving`. */
  stateAt(now: number): GateState {
    const state = this.#state;
    if ('until' in state && state.until <= now) {
      const breakMs = state.name === 'failing' ? state.breakMs : FIRST_BREAK_MS;
      this.#state = { name: 'proving', breakMs };
    }
    return this.#state;
  }

  /** Lets no more calls through, since the gateway shuts down. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Milliseconds from `now` until one more call may start beside those in flight, which started at the moments
   * `starts`, the earliest first. `Infinity` if no time that passes lets it start: one of those has to end first.
   */
  placeInMs(now: number, starts: readonly number[]): number {
    const { name } = this.stateAt(now);
    const most = this.#isClosed ? 0 : MOST_AT_ONCE[name];
    if (starts.length >= most) return Number.POSITIVE_INFINITY;
    const undecided = starts.at(-MOST_UNDECIDED);
    return undecided === undefined ? 0 : Math.max(0, undecided + DECIDED_MS - now);
  }

  report(result: CallResult, now: number): GateState {
    this.#state = next(this.stateAt(now), result, now);
    return this.#state;
  }

  /** Whether the next call tries if the upstream answers at all: the first one, and one after failures in a row. */
  isNextAProbe(now: number): boolean {
    const state = this.stateAt(now);
    if (state.name === 'serving') return state.failuresInRow >= FAILURES_BEFORE_DOUBT;
    return state.name === 'proving';
  }

  /** The error for waiting queries if no call may start at `now`, and none soon; otherwise `undefined`. */
  refusalAt(now: number): GatewayError | undefined {
    if (this.#isClosed) return shuttingDown();
    const state = this.stateAt(now);
    if (!('until' in state)) return undefined;
    const retryAfterMs = state.until - now;
    switch (state.name) {
      case 'throttled':
        return throttled(retryAfterMs);
      case 'refused':
        return refused(retryAfterMs);
      default:
        return new GatewayError('UPSTREAM_UNAVAILABLE', 'OneClickDz cannot be reached just now.', {
          retryAfterMs,
        });
    }
  }
}

/** The error for waiting queries after the upstream answered 429. */
export function throttled(retryAfterMs: number | undefined): GatewayError {
  return new GatewayError('UPSTREAM_THROTTLED', 'OneClickDz asked us to slow down.', {
    retryAfterMs,
  });
}

/** The error for waiting queries after the upstream answered 401 or 403. */
export function refused(retryAfterMs?: number): GatewayError {
  return new GatewayError(
    'UPSTREAM_REFUSED',
    'OneClickDz refuses the API key of this gateway, or its address.',
    { retryAfterMs },
  );
}

/** The error for waiting queries while the gateway shuts down. */
export function shuttingDown(): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', 'The gateway is shutting down.', {
    retryAfterMs: RESTART_MS,
  });
}

function next(state: GateState, result: CallResult, now: number): GateState {
  switch (result.kind) {
    case 'refused':
      return { name: 'refused', until: now + REFUSED_MS };
    case 'throttled':
      return afterThrottled(state, now + (result.retryAfterMs ?? THROTTLED_MS));
    case 'good':
      return isImposed(state) ? state : { name: 'serving', failuresInRow: 0 };
    case 'inconclusive':
      return state;
    case 'doubtful':
      return afterDoubtful(state, now);
    case 'failed':
      return afterFailure(state, now, result);
  }
}

/** A wait that the upstream imposed: a good answer to a call that started before does not end it. */
function isImposed(state: GateState): boolean {
  if (state.name === 'failing') return state.isTold === true;
  return 'until' in state;
}

/** The next call tells: it must be one alone. Of several that were in flight, two are taken for a refusal. */
function afterDoubtful(state: GateState, now: number): GateState {
  if ('until' in state) return state;
  if (state.name === 'proving' && state.isDoubted) {
    return { name: 'refused', until: now + REFUSED_MS };
  }
  return { name: 'proving', breakMs: FIRST_BREAK_MS, isDoubted: true };
}

function afterThrottled(state: GateState, until: number): GateState {
  if (state.name === 'refused') return state;
  return { name: 'throttled', until: notBeforeEndOf(state, until) };
}

function notBeforeEndOf(state: GateState, until: number): number {
  return 'until' in state ? Math.max(until, state.until) : until;
}

function afterFailure(state: GateState, now: number, failure: Failure): GateState {
  const { retryAfterMs, orderId } = failure;
  if (retryAfterMs !== undefined && state.name !== 'refused' && state.name !== 'throttled') {
    const until = notBeforeEndOf(state, now + Math.min(retryAfterMs, LONGEST_FAILING_MS));
    return { name: 'failing', until, breakMs: FIRST_BREAK_MS, isTold: true };
  }
  switch (state.name) {
    case 'serving': {
      const failuresInRow = state.failuresInRow + 1;
      const failedOrder =
        failuresInRow === 1 || state.failedOrder === orderId ? orderId : undefined;
      return failuresInRow < FAILURES_BEFORE_BREAK || failedOrder !== undefined
        ? { name: 'serving', failuresInRow, failedOrder }
        : { name: 'failing', until: now + FIRST_BREAK_MS, breakMs: FIRST_BREAK_MS };
    }
    case 'proving': {
      const { breakMs, failedOrder = orderId } = state;
      if (orderId !== undefined && failedOrder === orderId) return { ...state, failedOrder };
      return {
        name: 'failing',
        until: now + breakMs,
        breakMs: Math.min(breakMs * 2, LONGEST_BREAK_MS),
      };
    }
    default:
      return state;
  }
}
