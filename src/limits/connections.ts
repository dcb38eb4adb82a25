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

  /** Takes a place: returns what gives it back, which may be called more than once, or what is spent. */
  enter(address: string): (() => void) | 'connections' | 'connections_per_address' {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#open >= this.#options.most) return 'connections';
    if (ofAddress >= this.#options.mostPerAddress) return 'connections_per_address';
    this.#open += 1;
    this.#byAddress.set(address, ofAddress + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(address);
    };
  }

  #leave(address: string): void {
    this.#open -= 1;
    const rest = (this.#byAddress.get(address) ?? 1) - 1;
    if (rest === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, rest);
  }
}
