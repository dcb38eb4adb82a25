import { LRUCache } from 'lru-cache';
import type { Basis } from '../core/basis.ts';
import type { Clock } from '../core/ports.ts';
import type { SnapshotLog } from '../core/store.ts';

interface AnswerCacheOptions {
  readonly log: Pick<SnapshotLog, 'onWrite'>;
  readonly clock: Clock;
  /** The size limit of keys and answers together; beyond it, the least recently used entries are evicted. */
  readonly mostBytes: number;
}

/**
 * The longest that an entry is kept, even if nothing that it rests on is seen to change: another process
 * (`npm run prune`) may remove old snapshots without notice.
 */
const LONGEST_MS = 60_000;

const GOLDEN_PART = (Math.sqrt(5) - 1) / 2;

/** The memory that an entry takes besides its key and its answer, and for each order in it: rough, on the high side. */
const ENTRY_BYTES = 300;
const ORDER_BYTES = 200;

/**
 * Answers that were given before and still hold. An entry is dropped at once when an order that it rests on changes, or
 * is checked while the answer shows when it was checked. So a request after a commit sees what was committed.
 */
export class AnswerCache<Value> {
  readonly #options: AnswerCacheOptions;
  readonly #kept: LRUCache<string, Draft<Value>>;
  readonly #byOrder = new Map<string, Set<Draft<Value>>>();
  #part = 0;

  constructor(options: AnswerCacheOptions) {
    this.#options = options;
    this.#kept = new LRUCache({
      maxSize: options.mostBytes,
      dispose: (draft) => this.#unlink(draft),
    });
    options.log.onWrite((orderId, recorded) => {
      const isCheck = recorded?.appended === undefined;
      for (const draft of [...(this.#byOrder.get(orderId) ?? [])]) {
        if (isCheck && !draft.showsCheck) draft.wasChecked = true;
        else this.drop(draft);
      }
    });
  }

  /** `undefined` if there is no entry that holds now. */
  get(key: string): Value | undefined {
    const draft = this.#kept.get(key);
    if (draft === undefined) return undefined;
    const leftMs = draft.holdsUntil - this.#options.clock.now();
    // Longer than ever if the system's clock was set back.
    if (leftMs >= 0 && leftMs <= LONGEST_MS) return draft.kept?.value;
    this.drop(draft);
    return undefined;
  }

  /**
   * Whether a running request may give its outcome to another one: the outcome would hold if it were made now. After a
   * check it may not, since nobody knows yet whether the outcome will show one.
   */
  mayShare(draft: Draft<Value>): boolean {
    return !draft.wasChecked && this.#options.clock.now() <= draft.holdsUntil;
  }

  /** Starts an answer. The draft must be passed to `keep` or to `drop` in the end. */
  draft(): Draft<Value> {
    return new Draft((draft, orderId) => this.#link(draft, orderId));
  }

  /** Keeps an answer if all that it rests on still holds. An answer that rests on no order is not kept. */
  keep(
    draft: Draft<Value>,
    key: string,
    { value, bytes }: { readonly value: Value; readonly bytes: number },
  ): void {
    const now = this.#options.clock.now();
    draft.until(now + LONGEST_MS * (1 - this.#nextPart() / 2));
    if (draft.orders.length === 0 || now > draft.holdsUntil) {
      this.drop(draft);
      return;
    }
    const overhead = 2 * key.length + ENTRY_BYTES + draft.orders.length * ORDER_BYTES;
    draft.kept = { key, value };
    this.#kept.set(key, draft, { size: bytes + overhead });
    // The LRU cache does not take an entry that alone is larger than `mostBytes`.
    if (this.#kept.peek(key) !== draft) this.drop(draft);
  }

  /** Spread evenly over 0 to 1, so that answers made together do not all expire at once. */
  #nextPart(): number {
    this.#part = (this.#part + GOLDEN_PART) % 1;
    return this.#part;
  }

  /** Gives up an answer, whether it is kept or still being made. */
  drop(draft: Draft<Value>): void {
    draft.never();
    this.#unlink(draft);
    const { kept } = draft;
    if (kept !== undefined && this.#kept.peek(kept.key) === draft) this.#kept.delete(kept.key);
    draft.kept = undefined;
  }

  #link(draft: Draft<Value>, orderId: string): void {
    const drafts = this.#byOrder.get(orderId) ?? new Set();
    this.#byOrder.set(orderId, drafts.add(draft));
  }

  #unlink(draft: Draft<Value>): void {
    for (const orderId of draft.orders) {
      const drafts = this.#byOrder.get(orderId);
      if (drafts?.delete(draft) && drafts.size === 0) this.#byOrder.delete(orderId);
    }
  }
}

interface Kept<Value> {
  readonly key: string;
  readonly value: Value;
}

/**
 * An answer from the moment that it is begun: the orders that it rests on, and until when it holds. Resolvers report
 * these as they run; the cache keeps the answer or gives it up. One that was given up never holds again.
 */
export class Draft<Value> implements Basis {
  readonly orders: string[] = [];
  /** Set by the cache when it keeps the answer, and cleared when it gives it up. */
  kept: Kept<Value> | undefined;
  /** Set by the cache when an order in the answer was checked and found unchanged. */
  wasChecked = false;
  readonly #link: (draft: Draft<Value>, orderId: string) => void;
  #holdsUntil = Number.POSITIVE_INFINITY;
  #showsCheck = false;

  /** @param link called with each order that the answer turns out to rest on. */
  constructor(link: (draft: Draft<Value>, orderId: string) => void) {
    this.#link = link;
  }

  /** Unix milliseconds; `-Infinity` once the answer was given up. */
  get holdsUntil(): number {
    return this.#holdsUntil;
  }

  /** Whether the answer changes with every check of an order in it, as far as resolvers have told yet. */
  get showsCheck(): boolean {
    return this.#showsCheck;
  }

  order(orderId: string): void {
    // A late resolver must not link a draft that was given up to an order again: it might never be unlinked.
    const isGivenUp = this.#holdsUntil === Number.NEGATIVE_INFINITY;
    if (isGivenUp || this.orders.includes(orderId)) return;
    this.orders.push(orderId);
    this.#link(this, orderId);
  }

  check(): void {
    this.#showsCheck = true;
    // The value may have been read before that check.
    if (this.wasChecked) this.never();
  }

  until(at: number): void {
    if (at < this.#holdsUntil) this.#holdsUntil = at;
  }

  never(): void {
    this.#holdsUntil = Number.NEGATIVE_INFINITY;
  }
}
