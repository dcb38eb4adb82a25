/** The interfaces to the outside world: time, randomness, the network, the log. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Unix milliseconds by the system's clock. Jumps whenever that is set, backwards too. */
  now(): number;
  /**
   * Milliseconds that go on evenly, whatever the system's clock is set to: for durations within this process. Starts as
   * `now` does, so that 0 is long ago here too.
   */
  steady(): number;
  /** Calls back once, `delayMs` from now. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}

/** What `clock.now` is, was or will be at a moment of `clock.steady`: to show it, or to note it for a later process. */
export function unixTimeOf(steadyAt: number, clock: Clock): number {
  return steadyAt - clock.steady() + clock.now();
}

/**
 * The moment of `clock.steady` that an earlier process noted as this Unix time. At the latest now: if it lies in the
 * future, the system's clock was set back since.
 */
export function steadyTimeOf(pastAt: number, clock: Clock): number {
  return Math.min(pastAt - clock.now(), 0) + clock.steady();
}

/** Returns a number in [0, 1). */
export type Random = () => number;

export type Fetch = typeof globalThis.fetch;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Accepts flat fields only: a nested object could carry an API key or a card code into a log line. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** The longest delay that Node's timers support: a longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => Math.floor(performance.timeOrigin + performance.now()),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
