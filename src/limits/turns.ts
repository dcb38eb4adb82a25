/**
 * Has each address begin one piece of work in a round of the event loop. Everything that is begun in a round is worked
 * on until it waits for something, and all others wait meanwhile: without turns, a client that sends a thousand costly
 * queries at once would hold up everybody for as long as they all take.
 */
export class Turns {
  /** For each address that has had its turn in this round, the work that waits for the next ones. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #next = () => this.#nextRound();

  /** `undefined` if it is the turn of the address; else a promise that resolves when it is. */
  take(address: string): Promise<void> | undefined {
    const waiting = this.#waiting.get(address);
    if (waiting !== undefined) return new Promise((resolve) => waiting.push(resolve));
    if (this.#waiting.size === 0) setImmediate(this.#next);
    this.#waiting.set(address, []);
    return undefined;
  }

  #nextRound(): void {
    for (const [address, waiting] of this.#waiting) {
      const begin = waiting.shift();
      if (begin === undefined) this.#waiting.delete(address);
      else begin();
    }
    if (this.#waiting.size > 0) setImmediate(this.#next);
  }
}
