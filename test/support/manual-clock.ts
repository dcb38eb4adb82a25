import type { Clock, Timer } from '../../src/core/ports.ts';

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that moves only when a test advances it. */
export class ManualClock implements Clock {
  /** By `steady`, as are all times in here. */
  #now: number;
  #aheadMs = 0;
  readonly #alarms = new Set<Alarm>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now + this.#aheadMs;
  }

  steady(): number {
    return this.#now;
  }

  /** What an operator or NTP does: `now` jumps, and no time passes. */
  set(byMs: number): void {
    this.#aheadMs += byMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const alarm = { at: this.#now + Math.max(delayMs, 0), callback };
    this.#alarms.add(alarm);
    return { cancel: () => void this.#alarms.delete(alarm) };
  }

  /** Advances by `ms`. Calls the callback of each timer on the way at its time, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#nextAlarm(until);
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = until;
  }

  #nextAlarm(until: number): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.at <= until && (next === undefined || alarm.at < next.at)) next = alarm;
    }
    return next;
  }
}

/** Runs everything that is ready to run: promise callbacks, and the callbacks that these cause. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
