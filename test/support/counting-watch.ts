import type { Watch } from '../../src/core/topups.ts';

/** Counts what is watched. */
export class CountingWatch implements Watch {
  watching = 0;

  watch(): () => void {
    this.watching += 1;
    return () => {
      this.watching -= 1;
    };
  }
}
