import type { Clock, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';
import { parseHttpDate } from './http-date.ts';

/** A `Date` header is exact to the second, and a response may take a time-out to arrive. */
const MOST_MS = 20_000;

const EVERY_MS = 3_600_000;

/**
 * Warns if the machine's clock differs from the upstream's, by the `Date` headers of responses. Ahead of it, a new
 * order looks old to the gateway, as one that hardly ever settles just now, and is checked too rarely.
 */
export function clockDifference({
  clock,
  logger,
}: {
  readonly clock: Clock;
  readonly logger: Logger;
}): (sentAt: string | null) => void {
  const warnings = new Seldom(clock, EVERY_MS);
  return (sentAt) => {
    const aheadMs = clock.now() - (parseHttpDate(sentAt ?? '') ?? clock.now());
    if (Math.abs(aheadMs) <= MOST_MS || warnings.times() === undefined) return;
    const seconds = Math.round(Math.abs(aheadMs) / 1_000);
    logger.warn(
      { seconds },
      aheadMs > 0
        ? "this machine's clock is ahead of OneClickDz's: new orders look old, and are checked too rarely"
        : "this machine's clock is behind OneClickDz's: times that it shows are wrong",
    );
  };
}
