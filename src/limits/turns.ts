/** How many pieces of work an address may begin in a round: one by one, rounds themselves would cost too much. */
const MOST_IN_A_ROUND = 8;

interface Turn {
  begun: number;
  /** What waits for the next rounds. */
  readonly waiting: (() => void)[];
}

/**
 * Has each address begin a few pieces of work in a round of the event loop. Everything that is begun in a round is
 * worked on until it waits for something, and all others wait meanwhile: without turns, a client that sends a thousand
 * costly queries at once would hold up everybody for as long as they all take.
 */
export class Turns {
  /** By address, of those that have begun something in this round. */
  readonly #turns = new Map<string, Turn>();
  readonly #next = () => this.#nextRound();

  /** `undefined` if it is the turn of the address; else a promise that resolves when it is. */
  take(address: string): Promise<void> | undefined {
    const turn = this.#turns.get(address);
    if (turn === undefined) {
      if (this.#turns.size === 0) setImmediate(this.#next);
      this.#turns.set(address, { begun: 1, waiting: [] });
      return undefined;
    }
    if (turn.begun >= MOST_IN_A_ROUND) return new Promise((resolve) => turn.waiting.push(resolve));
    turn.begun += 1;
    return undefined;
  }

  #nextRound(): void {
    for (const [address, turn] of this.#turns) {
      const next = turn.waiting.splice(0, MOST_IN_A_ROUND);
      turn.begun = next.length;
      if (next.length === 0) this.#turns.delete(address);
      for (const begin of next) begin();
    }
    if (this.#turns.size > 0) setImmediate(this.#next);
  }
}
