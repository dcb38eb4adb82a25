import { LRUCache } from 'lru-cache';
import { MINUTE_MS, SECOND_MS } from '../core/durations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { Observation, Snapshot } from '../core/topup.ts';

/** For how long one comparison decides, until another one may. */
const VERDICT_MS = 30 * MINUTE_MS;

/** For how long other ends wait for the first comparison; then the next one is compared as well. */
const PATIENCE_MS = SECOND_MS;

/**
 * After so many checks in a row that showed nothing, ends are taken from lists for a while, as if they were the same.
 */
const MOST_IN_VAIN = 5;
const ON_CREDIT_MS = MINUTE_MS;

/** The most rows that are kept for a comparison. */
const MOST_ROWS = 1_000;
/** More kinds of ends than the upstream has. */
const MOST_KINDS = 40;

/** What a customer gets of an end. */
const FIELDS = ['cardCode', 'transactionNumber', 'processedAt', 'refundMessage'] as const;

interface Verdict {
  readonly isSame: boolean;
  /** By `Clock.steady`. */
  readonly at: number;
}

interface Comparison {
  readonly orderId: string;
  /** When it began, by `Clock.steady`. */
  readonly at: number;
}

/**
 * Whether lists show ends as checks do. The upstream's documentation shows the fields of an end for a check alone. A
 * list may leave some out, or show a card code in part, as many an API does to protect it; and an end that is in the
 * log is never asked for again. So the first end that a list shows is checked, and others wait for that. If the check
 * shows the same, ends are recorded from lists, and one is compared every half hour; else each end is checked. For each
 * status and type apart. A card that is more than digits, as no example is, is checked in any case: lists may begin to
 * hide digits at any time.
 */
export class ListedEnds {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #verdicts = new LRUCache<string, Verdict>({ max: MOST_KINDS });
  /** By kind: the latest comparison whose check is to come. */
  readonly #comparing = new LRUCache<string, Comparison>({ max: MOST_KINDS });
  /** By kind: how many checks in a row led to no comparison. */
  readonly #inVain = new LRUCache<string, number>({ max: MOST_KINDS });
  /** Ends as lists showed them, to be compared with checks. */
  readonly #rows = new LRUCache<string, Observation>({ max: MOST_ROWS });

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether an end can be recorded as a list shows it. */
  isTaken(row: Observation): boolean {
    const kind = kindOf(row);
    const verdict = this.#verdicts.get(kind);
    if (verdict === undefined || !verdict.isSame || !isOfDigits(row.cardCode)) return false;
    return !this.#isOld(verdict) || this.#comparing.has(kind) || this.#rows.has(row.orderId);
  }

  /** Whether the end of an order, which a check is to show, may yet be taken as a list shows it. */
  mayBeTaken(orderId: string): boolean {
    const row = this.#rows.peek(orderId);
    if (row === undefined || !isOfDigits(row.cardCode)) return false;
    return this.#verdicts.get(kindOf(row))?.isSame !== false;
  }

  /** Whether an end that is not taken waits for the check of another one. */
  mustWait(row: Observation): boolean {
    const kind = kindOf(row);
    const comparison = this.#comparing.get(kind);
    if (comparison === undefined || this.#verdicts.has(kind)) return false;
    return this.#clock.steady() - comparison.at < PATIENCE_MS;
  }

  /** To be called with an end, as a list shows it, whose check is to come. */
  checking(row: Observation): void {
    const { orderId } = row;
    this.#rows.set(orderId, row);
    this.#comparing.set(kindOf(row), { orderId, at: this.#clock.steady() });
  }

  /** To be called for each check that has ended, however it did, and after `verify`. */
  checked(orderId: string): void {
    const row = this.#rows.get(orderId);
    for (const [kind, comparison] of this.#comparing.entries()) {
      if (comparison.orderId === orderId) this.#comparing.delete(kind);
    }
    if (row !== undefined) this.#countInVain(row);
  }

  /** Compares what a check has shown with what a list did. */
  verify(latest: Snapshot): void {
    const row = this.#rows.get(latest.orderId);
    this.#rows.delete(latest.orderId);
    if (row === undefined || row.upstreamStatus !== latest.upstreamStatus) return;
    const kind = kindOf(row);
    const differing = FIELDS.filter((field) => isDifferent(row[field], latest[field]));
    const before = this.#verdicts.get(kind);
    const isSame = differing.length === 0;
    this.#inVain.delete(kind);
    // One that differs counts at once; one that is the same may be so by chance.
    if (isSame && before?.isSame === false && !this.#isOld(before)) return;
    this.#verdicts.set(kind, { isSame, at: this.#clock.steady() });
    if (isSame !== before?.isSame) this.#tell(row, differing);
  }

  #isOld({ at }: Verdict): boolean {
    return this.#clock.steady() - at >= VERDICT_MS;
  }

  /** Customers must not wait for their ends for as long as all checks fail. */
  #countInVain(row: Observation): void {
    const kind = kindOf(row);
    if (this.#verdicts.has(kind)) return;
    const inVain = (this.#inVain.get(kind) ?? 0) + 1;
    this.#inVain.set(kind, inVain);
    if (inVain < MOST_IN_VAIN) return;
    this.#verdicts.set(kind, {
      isSame: true,
      at: this.#clock.steady() - VERDICT_MS + ON_CREDIT_MS,
    });
    const { upstreamStatus: status, type } = row;
    const message = 'no check answers for ends that lists show: they are taken as lists show them';
    this.#logger.warn({ status, type }, message);
  }

  #tell({ upstreamStatus: status, type }: Observation, differing: readonly string[]): void {
    if (differing.length === 0) this.#logger.info({ status, type }, 'lists show ends as checks do');
    else {
      const fields = differing.join(' ');
      const message = 'lists show ends otherwise than checks do: each costs a check';
      this.#logger.warn({ status, type, fields }, message);
    }
  }
}

function isOfDigits(cardCode: string | null): boolean {
  return cardCode === null || /^\d+$/.test(cardCode);
}

function kindOf({ upstreamStatus, type }: Observation): string {
  return `${upstreamStatus} ${type}`;
}

/** A list need not show more than a check does, nor parts of seconds. */
function isDifferent(listed: string | number | null, checked: string | number | null): boolean {
  if (checked === null) return false;
  if (typeof listed === 'number' && typeof checked === 'number') {
    return Math.abs(listed - checked) >= SECOND_MS;
  }
  return listed !== checked;
}
