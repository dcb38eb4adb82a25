import { MINUTE_MS } from '../core/durations.ts';
import type { Clock } from '../core/ports.ts';
import type { Refusal } from './answer.ts';

const ATTEMPTS = 5;
const BLOCKED_MS = 15 * MINUTE_MS;

/**
 * Checks the key of a call, and blocks all callers after five bad ones: the upstream blocks by address, but the
 * simulator has a single caller. A good key does not reset the count of bad ones. Whether it does at the upstream is
 * unknown, so the simulator takes the stricter variant.
 */
export function createAccess(apiKey: string, clock: Clock) {
  let attemptsLeft = ATTEMPTS;
  let blockedUntil = Number.NEGATIVE_INFINITY;

  function failedAttempt(code: string, message: string): Refusal {
    attemptsLeft -= 1;
    const details = { attemptsLeft };
    if (attemptsLeft === 0) {
      blockedUntil = clock.steady() + BLOCKED_MS;
      attemptsLeft = ATTEMPTS;
    }
    return { kind: 'refusal', httpStatus: 401, code, message, details };
  }

  return {
    /** Returns the refusal of a call, or `undefined` if its key is good. Counts bad keys. */
    refuse(key: string | null): Refusal | undefined {
      if (clock.steady() < blockedUntil) return BLOCKED;
      if (key === null || key === '') {
        return failedAttempt('MISSING_ACCESS_TOKEN', 'Access token is required');
      }
      if (key !== apiKey) {
        return failedAttempt('INVALID_ACCESS_TOKEN', 'The provided access token is invalid');
      }
      return undefined;
    },
  };
}

const BLOCKED: Refusal = {
  kind: 'refusal',
  httpStatus: 403,
  code: 'IP_BLOCKED',
  message: 'Your IP has been temporarily blocked due to too many invalid attempts',
};
