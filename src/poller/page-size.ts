import { MINUTE_MS } from '../core/durations.ts';
import type { Clock } from '../core/ports.ts';
import type { Observation } from '../core/topup.ts';
import { PAGE_SIZE } from '../upstream/client.ts';
import type { Covered } from './best-page.ts';

/** No upstream cuts pages at fewer rows, or at a number that is not round. */
const FEWEST_ROWS = 10;
const ROUND = 5;

/** To learn it anew costs one page that shows too few orders; to go on with a wrong one, some pages a minute. */
const REMEMBERED_MS = 10 * MINUTE_MS;

interface ShownPage {
  readonly observations: readonly Observation[];
  readonly rows: number;
  /** Orders that the page should have shown besides. */
  readonly missing: readonly Covered[];
}

/**
 * How many rows a page shows at the most: as many as are asked for, or fewer where the upstream cuts pages without a
 * word. It shows the newest orders, so the oldest ones are missing on a page that was cut.
 */
export class PageSize {
  readonly #clock: Clock;
  #cut = { rows: PAGE_SIZE, until: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get rows(): number {
    return this.#clock.steady() < this.#cut.until ? this.#cut.rows : PAGE_SIZE;
  }

  /** To be called with each page. */
  learn(page: ShownPage): void {
    const { rows } = page;
    if (rows > this.rows) this.#cut = { rows: PAGE_SIZE, until: 0 };
    else if (isCut(page)) this.#cut = { rows, until: this.#clock.steady() + REMEMBERED_MS };
  }
}

function isCut({ observations, rows, missing }: ShownPage): boolean {
  if (observations.length < FEWEST_ROWS || rows % ROUND !== 0) return false;
  // Anybody may ask for ids that nobody has sent: that those are missing says nothing.
  const known = missing.filter(({ order }) => order !== undefined);
  if (known.length === 0) return false;
  const shown = observations.map(({ createdAt }) => createdAt ?? 0);
  const earliest = Math.min(...shown);
  return known.every(({ createdAt }) => createdAt <= earliest);
}
