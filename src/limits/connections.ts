interface ConnectionsOptions {
  readonly most: number;
  readonly mostPerAddress: number;
}

/** Counts open connections, in all and for each address. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #byAddress = new Map<string, number>();
  #open = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** The limit that is reached; `undefined` if there is a place for another connection. */
  refusalOf(address: string): 'connections' | 'connections_per_address' | undefined {
    if (this.#open >= this.#options.most) return 'connections';
    const ofAddress = this.#byAddress.get(address) ?? 0;
    return ofAddress >= this.#options.mostPerAddress ? 'connections_per_address' : undefined;
  }

  /** Takes a place, which must be given back once, by `leave`. */
  enter(address: string): void {
    this.#open += 1;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }

  leave(address: string): void {
    this.#open -= 1;
    const rest = (this.#byAddress.get(address) ?? 1) - 1;
    if (rest === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, rest);
  }
}
