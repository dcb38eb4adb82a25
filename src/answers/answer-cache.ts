import { LRUCache } from 'lru-cache';
import type { Basis } from '../core/basis.ts';
import type { Clock } from '../core/ports.ts';
import type { SnapshotLog } from '../core/store.ts';

export interface AnswerCacheOptions {
  readonly log: Pick<SnapshotLog, 'onWrite'>;
  readonly clock: Clock;
  /** Of keys and answers together; beyond that, those that nobody asked for longest go. */
  readonly mostBytes: number;
}

/**
 * However well all holds that we hear of: old snapshots may be removed by another process (`npm run prune`),
 * which tells nobody.
 */
const LONGEST_MS = 60_000;

const GOLDEN_PART = (Math.sqrt(5) - 1) / 2;

/** What an entry takes beside its key and its answer, and each order in it: roughly, and rather too much. */
const ENTRY_BYTES = 300;
const ORDER_BYTES = 200;

/**
 * Answers that were given before and still hold. One falls at once when an order that it rests on changes, or is checked
 * where the answer shows that, so whoever asks after a commit sees what was committed.
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
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (draft) => this.#unlink(draft),
    });
    options.log.onWrite((orderId, recorded) => {
      const isCheck = recorded?.appended === undefined;
      for (const draft of [...(this.#byOrder.get(orderId) ?? [])]) {
        if (!isCheck || !draft.survivesCheck()) this.drop(draft);
      }
    });
  }

  /** `undefined` where nothing is kept that holds now. */
  get(key: string): Value | undefined {
    const draft = this.#kept.get(key);
    if (draft === undefined) return undefined;
    if (this.#options.clock.now() <= draft.holdsUntil) return draft.value;
    this.drop(draft);
    return undefined;
  }

  /** Whether what is being made with a draft would hold if it were made now. */
  mayShare(draft: Draft<Value>): boolean {
    return draft.mayHold && this.#options.clock.now() <= draft.holdsUntil;
  }

  /** What an answer is made with. To be kept or dropped in the end. */
  draft(): Draft<Value> {
    return new Draft((draft, orderId) => this.#link(draft, orderId));
  }

  /** Keeps an answer if all holds that it rests on. One that rests on no order is not kept. */
  keep(draft: Draft<Value>, key: string, kept: { readonly value: Value; readonly bytes: number }) {
    const now = this.#options.clock.now();
    draft.until(now + LONGEST_MS * (1 - this.#nextPart() / 2));
    if (draft.orders.length === 0 || now > draft.holdsUntil) {
      this.drop(draft);
      return;
    }
    const overhead = 2 * key.length + ENTRY_BYTES + draft.orders.length * ORDER_BYTES;
    draft.fill(key, { value: kept.value, bytes: kept.bytes + overhead });
    this.#kept.set(key, draft);
    // One that is larger than all may be together is not taken.
    if (this.#kept.peek(key) !== draft) this.drop(draft);
  }

  /** Spread evenly over 0 to 1: answers that are made together do not all go at one moment. */
  #nextPart(): number {
    this.#part = (this.#part + GOLDEN_PART) % 1;
    return this.#part;
  }

  drop(draft: Draft<Value>): void {
    draft.never();
    this.#unlink(draft);
    if (draft.key !== undefined && this.#kept.peek(draft.key) === draft) {
      this.#kept.delete(draft.key);
    }
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

/** An answer in the making, or kept: what it rests on, and until when it holds. */
export class Draft<Value> implements Basis {
  readonly orders: string[] = [];
  readonly #link: (draft: Draft<Value>, orderId: string) => void;
  #holdsUntil = Number.POSITIVE_INFINITY;
  #key: string | undefined;
  #value: Value | undefined;
  #bytes = 0;
  #showsCheck = false;
  #wasChecked = false;

  constructor(link: (draft: Draft<Value>, orderId: string) => void) {
    this.#link = link;
  }

  /** Unix milliseconds. */
  get holdsUntil(): number {
    return this.#holdsUntil;
  }

  get key(): string | undefined {
    return this.#key;
  }

  get value(): Value | undefined {
    return this.#value;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Nothing was written yet of what it rests on, so that whoever asks now may be given what is being made. What it will
   * show is not known before: a check counts as well.
   */
  get mayHold(): boolean {
    return this.#holdsUntil > Number.NEGATIVE_INFINITY && !this.#wasChecked;
  }

  order(orderId: string): void {
    // What was given up is never kept: a resolver that is late must not have it held by an order again.
    const isGivenUp = this.#holdsUntil === Number.NEGATIVE_INFINITY;
    if (isGivenUp || this.orders.includes(orderId)) return;
    this.orders.push(orderId);
    this.#link(this, orderId);
  }

  check(): void {
    this.#showsCheck = true;
    // It may have been read before.
    if (this.#wasChecked) this.never();
  }

  /** An order in it was checked, and found as it was: whether the answer holds all the same. */
  survivesCheck(): boolean {
    this.#wasChecked = true;
    return !this.#showsCheck;
  }

  until(at: number): void {
    if (at < this.#holdsUntil) this.#holdsUntil = at;
  }

  never(): void {
    this.#holdsUntil = Number.NEGATIVE_INFINITY;
  }

  fill(key: string, { value, bytes }: { readonly value: Value; readonly bytes: number }): void {
    this.#key = key;
    this.#value = value;
    this.#bytes = bytes;
  }
}
