import { OVERDUE_AFTER_MS } from '../core/cadence.ts';
import type { Clock } from '../core/ports.ts';
import type { Census, Schedule } from '../core/store.ts';

/** The largest share of time spent on counting, however often the census is asked for. */
const LARGEST_PART = 1 / 50;
/** A limit for a count that took long only because the machine was busy. */
const LONGEST_KEPT_MS = 1_000;

/**
 * A census goes through all unsettled orders and blocks the event loop meanwhile: some 10 ms at 100,000 orders. So
 * its result is kept for fifty times as long as the count took, at most a second; with few orders, nearly every call
 * counts anew. Concurrent calls share one count. If the count fails, those calls reject, and the next call counts
 * again.
 */
export function sparingCensus(
  store: Pick<Schedule, 'census'>,
  clock: Clock,
): () => Promise<Census> {
  let counting: Promise<Census> | undefined;
  let kept: { readonly census: Census; readonly until: number } | undefined;

  async function count(): Promise<Census> {
    const from = clock.steady();
    try {
      const census = await store.census({ overdueBefore: clock.now() - OVERDUE_AFTER_MS });
      const at = clock.steady();
      const keptMs = Math.min((at - from) / LARGEST_PART, LONGEST_KEPT_MS);
      kept = { census, until: at + keptMs };
      return census;
    } finally {
      counting = undefined;
    }
  }

  return async () => {
    if (kept !== undefined && clock.steady() < kept.until) return kept.census;
    counting ??= count();
    return counting;
  };
}
