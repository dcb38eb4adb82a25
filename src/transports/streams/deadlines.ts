import type { Clock, Timer } from '../../core/ports.ts';

/** The shortest pause between two looks: thousands of items due at about the same moment are handled in one look. */
const SHORTEST_PAUSE_MS = 50;

/** For deadlines by `Clock.steady`. */
export function steadily(clock: Clock): Pick<Clock, 'now' | 'after'> {
  return {
    now: () => clock.steady(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  };
}

/** Reports items whose deadline has passed. One timer serves all items. */
export class Deadlines<Item> {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #onDue: (item: Item) => void;
  readonly #dueAt = new Map<Item, number>();
  #timer: { readonly at: number; readonly timer: Timer } | undefined;

  /** @param onDue called once for each item that was not deleted before its deadline. */
  constructor(clock: Pick<Clock, 'now' | 'after'>, onDue: (item: Item) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** @param dueAt by the `now` of the clock given. */
  add(item: Item, dueAt: number): void {
    this.#dueAt.set(item, dueAt);
    if (this.#timer === undefined || dueAt < this.#timer.at) this.#lookAt(dueAt);
  }

  delete(item: Item): void {
    this.#dueAt.delete(item);
  }

  #lookAt(at: number): void {
    this.#timer?.timer.cancel();
    const timer = this.#clock.after(at - this.#clock.now(), () => this.#look());
    this.#timer = { at, timer };
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [item, dueAt] of this.#dueAt) {
      if (dueAt > now) {
        next = Math.min(next, dueAt);
        continue;
      }
      this.#dueAt.delete(item);
      this.#onDue(item);
    }
    if (next < Number.POSITIVE_INFINITY) this.#lookAt(Math.max(next, now + SHORTEST_PAUSE_MS));
  }
}
