import type { Clock } from '../core/ports.ts';
import type { Census, Schedule } from '../core/store.ts';

/** Of the time, the most that goes into counting, however often somebody asks. */
const LARGEST_PART = 1 / 50;
/** A count that took long because the machine was busy with something else is not kept for long. */
const LONGEST_KEPT_MS = 1_000;

/**
 * A census goes through all that is tracked, and holds up everything else meanwhile: some 10 ms at 100,000
 * orders. So a count stands for fifty times as long as it took, a second at most; with a few orders, each is
 * new. Who asks at the same time shares one. A fault is told, and not kept.
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
    // A clock that was set back keeps nothing.
    if (kept !== undefined && kept.from <= now && now < kept.to) return kept.census;
    counting ??= count();
    return counting;
  };
}
