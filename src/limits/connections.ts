export interface ConnectionsOptions {
  readonly most: number;
  readonly mostPerAddress: number;
}

/** Counts what is open, in all and for each address. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #byAddress = new Map<string, number>();
  #open = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** What is spent, where there is no place for another one. */
  refusalOf(address: string): 'connections' | 'connections_per_address' | undefined {
    if (this.#open >= this.#options.most) return 'connections';
    const ofAddress = this.#byAddress.get(address) ?? 0;
    return ofAddress >= this.#options.mostPerAddress ? 'connections_per_address' : undefined;
  }

  /** Takes a place, to be given back once by `leave`. */
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
