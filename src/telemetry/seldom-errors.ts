import { LRUCache } from 'lru-cache';
import { MINUTE_MS } from '../core/durations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';

const EVERY_MS = MINUTE_MS;

/** More kinds of errors than a gateway can have. */
const MOST_KINDS = 100;

/**
 * A log that tells of each kind of error once a minute, and how often it has come: what fails for one request, as on a
 * full disk, fails for all that follow. Two are of one kind if they have the same message and code, or were thrown in
 * the same place if they have no code.
 */
export function seldomErrors(logger: Logger, clock: Clock): Logger {
  const byKind = new LRUCache<string, Seldom>({ max: MOST_KINDS });
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error(fields, message) {
      const kind = `${message} ${fields['code'] ?? `${fields['error']} ${fields['at']}`}`;
      const seldom = byKind.get(kind) ?? new Seldom(clock, EVERY_MS);
      byKind.set(kind, seldom);
      const times = seldom.times();
      if (times === undefined) return;
      logger.error(times === 1 ? fields : { times, ...fields }, message);
    },
  };
}
