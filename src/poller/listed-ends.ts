import { LRUCache } from 'lru-cache';
import { MINUTE_MS } from '../core/durations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { Observation, Snapshot } from '../core/topup.ts';

/** For how long one comparison decides, until another one may. */
const VERDICT_MS = 30 * MINUTE_MS;

/** The most rows that are kept for a comparison. */
const MOST_ROWS = 1_000;

/** What a customer gets of an end. */
const FIELDS = ['cardCode', 'transactionNumber', 'processedAt', 'refundMessage'] as const;

interface Verdict {
  readonly isSame: boolean;
  /** By `Clock.steady`. */
  readonly at: number;
}

/**
 * Whether lists show ends as checks do. The upstream's documentation shows the fields of an end for a check alone. A
 * list may leave some out, or show a card code in part, as many an API does to protect it; and an end that is in the
 * log is never asked for again. So the first end that a list shows is checked, and others wait for that. If the check
 * shows the same, ends are recorded from lists, and one is compared every half hour; else each end is checked. For
 * `FULFILLED` and `REFUNDED` apart.
 */
export class ListedEnds {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #verdicts = new Map<string, Verdict>();
  /** By status: the order whose check is to come, the latest one if there are several. */
  readonly #checking = new Map<string, string>();
  /** Ends as lists showed them, to be compared with checks. */
  readonly #rows = new LRUCache<string, Observation>({ max: MOST_ROWS });

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether an end can be recorded as a list shows it. */
  isTaken({ orderId, upstreamStatus }: Observation): boolean {
    const verdict = this.#verdicts.get(upstreamStatus);
    if (verdict === undefined || !verdict.isSame) return false;
    return !this.#isOld(verdict) || this.#checking.has(upstreamStatus) || this.#rows.has(orderId);
  }

  /** Whether an end that is not taken waits for the check of another one. */
  mustWait({ upstreamStatus }: Observation): boolean {
    return !this.#verdicts.has(upstreamStatus) && this.#checking.has(upstreamStatus);
  }

  /** To be called with an end, as a list shows it, whose check is to come. */
  checking(row: Observation): void {
    this.#rows.set(row.orderId, row);
    this.#checking.set(row.upstreamStatus, row.orderId);
  }

  /** To be called for each check that has ended, however it did. */
  checked(orderId: string): void {
    for (const [status, checking] of this.#checking) {
      if (checking === orderId) this.#checking.delete(status);
    }
  }

  /** Compares what a check has shown with what a list did. */
  verify(latest: Snapshot): void {
    const row = this.#rows.get(latest.orderId);
    this.#rows.delete(latest.orderId);
    if (row === undefined || row.upstreamStatus !== latest.upstreamStatus) return;
    const differing = FIELDS.filter(
      (field) => latest[field] !== null && latest[field] !== row[field],
    );
    const before = this.#verdicts.get(latest.upstreamStatus);
    const isSame = differing.length === 0;
    // One that differs counts at once; one that is the same may be so by chance.
    if (isSame && before?.isSame === false && !this.#isOld(before)) return;
    this.#verdicts.set(latest.upstreamStatus, { isSame, at: this.#clock.steady() });
    if (isSame !== before?.isSame) this.#tell(latest, differing);
  }

  #isOld({ at }: Verdict): boolean {
    return this.#clock.steady() - at >= VERDICT_MS;
  }

  #tell({ upstreamStatus: status }: Snapshot, differing: readonly string[]): void {
    if (differing.length === 0) this.#logger.info({ status }, 'lists show ends as checks do');
    else {
      const fields = differing.join(' ');
      this.#logger.warn(
        { status, fields },
        'lists show ends otherwise than checks do: each costs a check',
      );
    }
  }
}
