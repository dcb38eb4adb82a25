import type { Watch } from '../core/topups.ts';
import type { Account } from './terms.ts';

/** How many more lookups an unknown order takes in the 15 s for which it is followed, after the first one. */
const MORE_LOOKS_IN_VAIN = 4;

interface FirstLookOptions {
  readonly watch: Watch;
  readonly orderId: string;
  /** Has paid for the first lookup. */
  readonly account: Account | undefined;
  readonly onInVain: () => void;
}

/** The search for an order that the log does not know: the upstream may not know it yet, or never. */
export class FirstLook {
  readonly #account: Account | undefined;
  readonly #endWatch: () => void;
  #isInVain = false;

  constructor({ watch, orderId, account, onInVain }: FirstLookOptions) {
    this.#account = account;
    this.#endWatch = watch.watch(orderId, () => {
      this.#isInVain = true;
      onInVain();
    });
  }

  /** Whether the upstream has been asked for long enough, and knows no such order. */
  get isInVain(): boolean {
    return this.#isInVain;
  }

  /** Charges for the lookups after the first one, which a search costs that does not find the order. */
  charge(): void {
    this.#account?.charge(MORE_LOOKS_IN_VAIN);
  }

  end(): void {
    this.#endWatch();
  }
}
