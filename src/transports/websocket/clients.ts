/** All clients that are connected by WebSocket. */
export class Clients<Client> implements Iterable<Client> {
  readonly #connected = new Set<Client>();
  readonly #waiting: (() => void)[] = [];

  add(client: Client): void {
    this.#connected.add(client);
  }

  delete(client: Client): void {
    this.#connected.delete(client);
    if (this.#connected.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  [Symbol.iterator](): Iterator<Client> {
    return this.#connected.values();
  }

  /** Resolves once no client is connected. */
  async allGone(): Promise<void> {
    if (this.#connected.size === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
