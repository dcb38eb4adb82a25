import type { Clock } from './ports.ts';

/** Waits for `done`, but not longer than this. */
export async function atMost(waitMs: number, done: Promise<unknown>, clock: Clock): Promise<void> {
  const overdue = Promise.withResolvers<void>();
  const timer = clock.after(waitMs, overdue.resolve);
  await Promise.race([done, overdue.promise]);
  timer.cancel();
}
