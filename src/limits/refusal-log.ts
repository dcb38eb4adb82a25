import { MINUTE_MS } from '../core/durations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';
import type { LimitName, OnRefused } from './limits.ts';

const EVERY_MS = 10 * MINUTE_MS;

/** Tells operators which limits clients meet: of each limit once in ten minutes, so that no client can fill the log. */
export function refusalLog(clock: Clock, logger: Logger): OnRefused {
  const byLimit = new Map<LimitName, Seldom>();
  return (limit) => {
    const seldom = byLimit.get(limit) ?? new Seldom(clock, EVERY_MS);
    byLimit.set(limit, seldom);
    const times = seldom.times();
    if (times === undefined) return;
    logger.warn(
      { limit, times },
      'a client wanted more than one client may have; docs/limits.md tells of each limit',
    );
  };
}
