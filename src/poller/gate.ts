import { GatewayError } from '../errors.ts';

/**
 * Whether the upstream may be called at all. One small state machine over the whole key:
 *
 *     proving ──good answer──> serving ──failures in a row──> failing ──time──> proving
 *        │                        └────────429──────────────> throttled ──time─────^
 *        └──failure──> failing    └────────401, 403─────────> refused ────time─────^
 *
 * `proving` lets one call through at a time. The gateway starts there, so that a bad key is tried once and
 * not by everybody who waits: the fifth bad try locks the merchant's address out.
 */
export type GateState =
  | { readonly name: 'proving'; readonly breakMs: number }
  | { readonly name: 'serving'; readonly failuresInRow: number }
  | { readonly name: 'failing'; readonly until: number; readonly breakMs: number }
  | { readonly name: 'throttled'; readonly until: number }
  | { readonly name: 'refused'; readonly until: number };

/** What a call says of the upstream as a whole. */
export type CallResult =
  | { readonly kind: 'good' }
  | { readonly kind: 'failed'; readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'refused' };

/** Fewer than the five bad tries that lock an address out, should the key go bad under way. */
const MOST_IN_FLIGHT = 4;
const FAILURES_BEFORE_BREAK = 5;
const FIRST_BREAK_MS = 2_000;
const LONGEST_BREAK_MS = 60_000;
/** A 503 may ask for any wait, but one slip must not keep the gateway from looking for an hour. */
const LONGEST_FAILING_MS = 5 * 60_000;
const THROTTLED_MS = 15_000;
const REFUSED_MS = 15 * 60_000;

export class UpstreamGate {
  #state: GateState;

  constructor(state: GateState = { name: 'proving', breakMs: FIRST_BREAK_MS }) {
    this.#state = state;
  }

  /** The state at `now`: a wait that is over has already ended. */
  stateAt(now: number): GateState {
    const state = this.#state;
    if ('until' in state && state.until <= now) {
      const breakMs = state.name === 'failing' ? state.breakMs : FIRST_BREAK_MS;
      this.#state = { name: 'proving', breakMs };
    }
    return this.#state;
  }

  /** Whether one more call may start beside those in flight. */
  admits(now: number, inFlight: number): boolean {
    const state = this.stateAt(now);
    if (state.name === 'proving') return inFlight === 0;
    return state.name === 'serving' && inFlight < MOST_IN_FLIGHT;
  }

  report(result: CallResult, now: number): GateState {
    this.#state = next(this.stateAt(now), result, now);
    return this.#state;
  }

  /** Why nobody may call at `now`, for those who wait; `undefined` while calls go through. */
  refusalAt(now: number): GatewayError | undefined {
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

/** What those who wait are told where the upstream asked for fewer calls. */
export function throttled(retryAfterMs: number | undefined): GatewayError {
  return new GatewayError('UPSTREAM_THROTTLED', 'OneClickDz asked us to slow down.', {
    retryAfterMs,
  });
}

/** What those who wait are told where the upstream will have nothing of us. */
export function refused(retryAfterMs?: number): GatewayError {
  return new GatewayError(
    'UPSTREAM_REFUSED',
    'OneClickDz refuses the API key of this gateway, or its address.',
    { retryAfterMs },
  );
}

function next(state: GateState, result: CallResult, now: number): GateState {
  switch (result.kind) {
    case 'refused':
      return { name: 'refused', until: now + REFUSED_MS };
    case 'throttled':
      return afterThrottled(state, now + (result.retryAfterMs ?? THROTTLED_MS));
    case 'good':
      // An answer that was under way when the gate closed does not open it.
      return 'until' in state && state.name !== 'failing'
        ? state
        : { name: 'serving', failuresInRow: 0 };
    case 'failed':
      return afterFailure(state, now, result.retryAfterMs);
  }
}

function afterThrottled(state: GateState, until: number): GateState {
  if (state.name === 'refused') return state;
  return { name: 'throttled', until: 'until' in state ? Math.max(until, state.until) : until };
}

function afterFailure(state: GateState, now: number, retryAfterMs: number | undefined): GateState {
  if (retryAfterMs !== undefined && state.name !== 'refused' && state.name !== 'throttled') {
    const waitMs = Math.min(retryAfterMs, LONGEST_FAILING_MS);
    return { name: 'failing', until: now + waitMs, breakMs: FIRST_BREAK_MS };
  }
  switch (state.name) {
    case 'serving': {
      const failuresInRow = state.failuresInRow + 1;
      return failuresInRow < FAILURES_BEFORE_BREAK
        ? { name: 'serving', failuresInRow }
        : { name: 'failing', until: now + FIRST_BREAK_MS, breakMs: FIRST_BREAK_MS };
    }
    case 'proving':
      return {
        name: 'failing',
        until: now + state.breakMs,
        breakMs: Math.min(state.breakMs * 2, LONGEST_BREAK_MS),
      };
    default:
      return state;
  }
}
