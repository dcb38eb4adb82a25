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
export function sparingCensus({
  store,
  clock,
  overdueAfterMs,
}: {
  readonly store: Pick<Schedule, 'census'>;
  readonly clock: Clock;
  /** How long an order may be in progress before it counts as overdue. */
  readonly overdueAfterMs: number;
}): () => Promise<Census> {
  let counting: Promise<Census> | undefined;
  let kept: { readonly census: Census; readonly from: number; readonly to: number } | undefined;

  async function count(): Promise<Census> {
    const from = clock.now();
    try {
      const census = await store.census({ overdueBefore: from - overdueAfterMs });
      const at = clock.now();
      const keptMs = Math.min((at - from) / LARGEST_PART, LONGEST_KEPT_MS);
      kept = { census, from: at, to: at + keptMs };
      return census;
    } finally {
      counting = undefined;
    }
  }

  return async () => {
    const now = clock.now();
    // After the clock was set back, the kept result is not used.
    if (kept !== undefined && kept.from <= now && now < kept.to) return kept.census;
    counting ??= count();
    return counting;
  };
}
