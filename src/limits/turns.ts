import type { Clock } from '../core/ports.ts';

/** How many pieces of work an address may begin in a round: one by one, rounds themselves would cost too much. */
const MOST_IN_A_ROUND = 8;

/** After a round that took longer than this, an address may begin one piece of work in the next. */
const LONG_ROUND_MS = 50;
/** After one that took no longer than this, twice as many as before, up to the most of all. */
const QUICK_ROUND_MS = 15;

interface Turn {
  begun: number;
  /** What waits for the next rounds. */
  readonly waiting: (() => void)[];
}

/**
 * Has each address begin a few pieces of work in a round of the event loop. Everything that is begun in a round is
 * worked on until it waits for something, and all others wait meanwhile: without turns, a client that sends a thousand
 * costly queries at once would hold up everybody for as long as they all take. How costly a query is shows only when it
 * has run, so a round that took long makes the next ones smaller, and a quick one makes them larger if they may be.
 */
export class Turns {
  /** By address, of those that have begun something in this round. */
  readonly #turns = new Map<string, Turn>();
  readonly #next = () => this.#nextRound();
  readonly #clock: Pick<Clock, 'steady'>;
  readonly #mostAfterQuick: number;
  /** How many pieces of work each address may begin in this round. */
  #most = MOST_IN_A_ROUND;
  #roundBeganAt = 0;

  /** `mostAfterQuick`: how many pieces of work an address may begin in a round after quick ones, which cost little. */
  constructor(clock: Pick<Clock, 'steady'>, mostAfterQuick = MOST_IN_A_ROUND) {
    this.#clock = clock;
    this.#mostAfterQuick = mostAfterQuick;
  }

  /** `undefined` if it is the turn of the address; else a promise that resolves when it is. */
  take(address: string): Promise<void> | undefined {
    const turn = this.#turns.get(address);
    if (turn === undefined) {
      if (this.#turns.size === 0) this.#beginRound();
      this.#turns.set(address, { begun: 1, waiting: [] });
      return undefined;
    }
    if (turn.begun >= this.#most) return new Promise((resolve) => turn.waiting.push(resolve));
    turn.begun += 1;
    return undefined;
  }

  /** The turns of one address. */
  of(address: string): TurnsOfAddress {
    return new TurnsOfAddress(this, address);
  }

  #beginRound(): void {
    this.#roundBeganAt = this.#clock.steady();
    setImmediate(this.#next);
  }

  #nextRound(): void {
    this.#most = this.#mostAfter(this.#clock.steady() - this.#roundBeganAt);
    for (const [address, turn] of this.#turns) {
      const next = turn.waiting.splice(0, this.#most);
      turn.begun = next.length;
      if (next.length === 0) this.#turns.delete(address);
      for (const begin of next) begin();
    }
    if (this.#turns.size > 0) this.#beginRound();
    // Who comes next may be another, whose work is costly.
    else this.#most = Math.min(this.#most, MOST_IN_A_ROUND);
  }

  #mostAfter(roundMs: number): number {
    if (roundMs > LONG_ROUND_MS) return 1;
    const most = roundMs > QUICK_ROUND_MS ? MOST_IN_A_ROUND : this.#mostAfterQuick;
    return Math.min(2 * this.#most, most);
  }
}

/** A class rather than a closure, since each of thousands of subscribers has one. */
class TurnsOfAddress {
  readonly #turns: Turns;
  readonly #address: string;

  constructor(turns: Turns, address: string) {
    this.#turns = turns;
    this.#address = address;
  }

  take(): Promise<void> | undefined {
    return this.#turns.take(this.#address);
  }
}
