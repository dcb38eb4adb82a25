import { LRUCache } from 'lru-cache';
import type { Access } from '../core/access.ts';
import type { Clock } from '../core/ports.ts';

/** The size limit of all remembered tickets: about 480 of the longest, or many thousands of usual ones. */
const MOST_BYTES = 16_000_000;

interface Remembered {
  readonly access: Access;
  readonly until: number;
}

/** The access of tickets that were found valid, so that a ticket is not verified again for each request. */
export class RememberedTickets {
  readonly #clock: Clock;
  readonly #longestMs: number;
  readonly #byText = new LRUCache<string, Remembered>({
    maxSize: MOST_BYTES,
    sizeCalculation: (_remembered, text) => 2 * text.length + 500,
  });

  /** @param longestMs after this time a ticket is verified again, even if it has not expired. */
  constructor({ clock, longestMs }: { readonly clock: Clock; readonly longestMs: number }) {
    this.#clock = clock;
    this.#longestMs = longestMs;
  }

  recall(authorization: string): Access | undefined {
    const remembered = this.#byText.get(authorization);
    if (remembered === undefined) return undefined;
    const leftMs = remembered.until - this.#clock.now();
    // Longer than ever if the system's clock was set back.
    if (leftMs > 0 && leftMs <= this.#longestMs) return remembered.access;
    this.#byText.delete(authorization);
    return undefined;
  }

  remember(authorization: string, access: Access): void {
    const { expiresAt } = access;
    const longest = this.#clock.now() + this.#longestMs;
    const until = expiresAt === null ? longest : Math.min(expiresAt, longest);
    this.#byText.set(authorization, { access, until });
  }
}
