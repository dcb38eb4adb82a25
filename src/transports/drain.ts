/** Counts what is being answered, so that a shutdown can wait for the last of it. */
export class Drain {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  /** Something is being answered; call what is returned when it is over. More than once does no harm. */
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

  /** Resolves once nothing is being answered. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }
}
