import type { GatewayError } from '../errors.ts';
import type { Checked } from './checker.ts';
import type { Sweep } from './sweep-planner.ts';

interface Check {
  readonly ended: Promise<void>;
  readonly shared: Promise<Checked>;
  readonly settle: (checked: Checked) => void;
}

/** The calls that have started and not come back: one at a time for one order. */
export class InFlight {
  readonly #checks = new Map<string, Check>();
  readonly #sweeps = new Set<Promise<void>>();
  /** Orders that a list in flight will show. */
  readonly #swept = new Set<string>();

  /** Calls. */
  get size(): number {
    return this.#checks.size + this.#sweeps.size;
  }

  /** Orders that the calls are about. */
  get orders(): number {
    return this.#checks.size + this.#swept.size;
  }

  has(orderId: string): boolean {
    return this.#checks.has(orderId) || this.#swept.has(orderId);
  }

  /** The check of this order that is under way, to be shared. */
  checkOf(orderId: string): Promise<Checked> | undefined {
    return this.#checks.get(orderId)?.shared;
  }

  /** `checked` never rejects. Returns what all who wait for it are to be given. */
  addCheck(orderId: string, checked: Promise<Checked>): Promise<Checked> {
    const { promise: shared, resolve: settle } = Promise.withResolvers<Checked>();
    const ended = checked.then((result) => {
      this.#checks.delete(orderId);
      settle(result);
    });
    this.#checks.set(orderId, { ended, shared, settle });
    return shared;
  }

  /** `swept` never rejects. Resolves once the orders may be asked about again. */
  addSweep({ covered }: Sweep, swept: Promise<void>): Promise<void> {
    for (const { orderId } of covered) this.#swept.add(orderId);
    const ended = swept.finally(() => {
      for (const { orderId } of covered) this.#swept.delete(orderId);
      this.#sweeps.delete(ended);
    });
    this.#sweeps.add(ended);
    return ended;
  }

  /** Once all that is in flight at present has come back. */
  async settled(): Promise<void> {
    await Promise.all([...this.#checks.values()].map(({ ended }) => ended));
    await Promise.all(this.#sweeps);
  }

  /** Tells all who wait for a check that they wait in vain. */
  giveUp(error: GatewayError): void {
    for (const { settle } of this.#checks.values()) settle({ kind: 'failed', error });
  }
}
