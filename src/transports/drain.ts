/** Counts the requests in progress, so that a shutdown can wait for the last of them. */
export class Drain {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  /** Counts a request until the returned function is called. Calling that function more than once does no harm. */
  enter(): () => void {
    this.#running += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#running -= 1;
      if (this.#running === 0) for (const resolve of this.#waiting) resolve();
    };
  }

  /** Resolves once no request is in progress. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }
}
