import type { Clock, Timer } from '../../src/core/ports.ts';

interface Alarm {
  readonly at: number;
  /** Of two alarms at the same moment, the one set first rings first. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** A clock that jumps from one alarm to the next, so hours pass in seconds. */
export class VirtualClock implements Clock {
  #now: number;
  #set = 0;
  /** A binary heap with the next alarm on top. */
  readonly #alarms: Alarm[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  steady(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const alarm: Alarm = { at: this.#now + Math.max(0, delayMs), order: this.#set, callback };
    this.#set += 1;
    this.#push(alarm);
    return {
      cancel: () => {
        alarm.callback = undefined;
      },
    };
  }

  /** Runs until the given moment. Everything that an alarm causes has settled before the next alarm rings. */
  async runUntil(until: number): Promise<void> {
    await settle();
    for (let next = this.#alarms[0]; next !== undefined && next.at <= until; ) {
      this.#pop();
      if (next.callback !== undefined) {
        this.#now = Math.max(this.#now, next.at);
        next.callback();
        await settle();
      }
      next = this.#alarms[0];
    }
    this.#now = Math.max(this.#now, until);
  }

  #push(alarm: Alarm): void {
    let index = this.#alarms.push(alarm) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#alarms[parent];
      if (above === undefined || !isBefore(alarm, above)) break;
      this.#alarms[index] = above;
      index = parent;
    }
    this.#alarms[index] = alarm;
  }

  #pop(): void {
    const last = this.#alarms.pop();
    if (last === undefined || this.#alarms.length === 0) return;
    let index = 0;
    for (;;) {
      const child = this.#earlierChild(index);
      const below = this.#alarms[child];
      if (below === undefined || !isBefore(below, last)) break;
      this.#alarms[index] = below;
      index = child;
    }
    this.#alarms[index] = last;
  }

  #earlierChild(index: number): number {
    const left = 2 * index + 1;
    const [one, other] = [this.#alarms[left], this.#alarms[left + 1]];
    return one !== undefined && other !== undefined && isBefore(other, one) ? left + 1 : left;
  }
}

function isBefore(one: Alarm, other: Alarm): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Lets promises and streams settle: promise callbacks run before the next event loop turn, streams take one or two. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
