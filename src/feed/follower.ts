import type { Cursor } from '../core/cursor.ts';
import type { Clock } from '../core/ports.ts';
import type { Order, SnapshotLog } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { isSettled } from '../core/topup.ts';
import type { Watch } from '../core/topups.ts';
import { type TopupView, viewOf, viewOfEarlier } from '../core/view.ts';
import { GatewayError } from '../errors.ts';

export interface FollowerOptions {
  readonly log: SnapshotLog;
  readonly watch: Watch;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** A snapshot, or the reason for which there will be none. */
export type FollowedEvent = TopupView | GatewayError;

export function topupNotFound(): GatewayError {
  return new GatewayError('TOPUP_NOT_FOUND', 'OneClickDz knows no top-up with this id.');
}

/**
 * Follows one order from a cursor: catches up, then waits for the bell, by one mechanism. It holds a
 * place in the log and no queue, so whoever pulls slowly misses nothing and costs no memory.
 *
 * Written out instead of as a generator, because a generator that waits cannot be ended from outside:
 * `return()` would queue behind a bell that may never ring.
 */
export class Follower implements AsyncIterableIterator<FollowedEvent> {
  readonly #options: FollowerOptions;
  readonly #orderId: string;
  readonly #after: Cursor | undefined;
  readonly #cleanups: (() => void)[] = [];
  /** The last version handed out; `undefined` before the first pull. */
  #version: number | undefined;
  #rung = false;
  #missing = false;
  #ended = false;
  #wake: (() => void) | undefined;
  /** Pulls are answered one after the other, however many come at once. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: FollowerOptions, orderId: string, after: Cursor | undefined) {
    this.#options = options;
    this.#orderId = orderId;
    this.#after = after;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<FollowedEvent, undefined>> {
    const result = this.#last.then(() => this.#pull());
    this.#last = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<IteratorResult<FollowedEvent, undefined>> {
    this.#end();
    return { done: true, value: undefined };
  }

  async #pull(): Promise<IteratorResult<FollowedEvent, undefined>> {
    while (!this.#ended) {
      // Cleared before the log is read: a ring from here on means that there may be more than we saw.
      this.#rung = false;
      const event = await this.#readOrEnd();
      if (event !== undefined) {
        this.#options.telemetry.eventSent();
        return { done: false, value: event };
      }
      await this.#ring();
    }
    return { done: true, value: undefined };
  }

  /** A log that fails ends the stream: nobody may call `return()` on one that threw. */
  async #readOrEnd(): Promise<FollowedEvent | undefined> {
    try {
      return await this.#read();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** The event after our place, or `undefined` where there is none yet. */
  async #read(): Promise<FollowedEvent | undefined> {
    if (this.#cleanups.length === 0) this.#begin();
    const order = await this.#options.log.find(this.#orderId);
    this.#version ??= this.#startingVersion(order);
    if (order === undefined) return this.#missing ? this.#denied() : undefined;
    if (this.#version >= order.latest.version) {
      if (isSettled(order.latest.upstreamStatus)) this.#end();
      return undefined;
    }
    return this.#nextVersion(order, this.#version);
  }

  async #nextVersion(order: Order, version: number): Promise<FollowedEvent | undefined> {
    if (order.latest.version === version + 1) {
      this.#version = order.latest.version;
      return viewOf(order, this.#options.clock.now());
    }
    const range = { after: version, limit: 1, from: 'oldest' } as const;
    const [snapshot] = await this.#options.log.read(this.#orderId, range);
    if (snapshot === undefined) return undefined;
    this.#version = snapshot.version;
    return viewOfEarlier(snapshot, order);
  }

  /** A cursor of another log, or beyond the end of this one, starts over with the latest snapshot. */
  #startingVersion(order: Order | undefined): number {
    const latest = order?.latest.version ?? 0;
    const ours = this.#after !== undefined && this.#after.logId === this.#options.log.logId;
    if (ours && this.#after.version <= latest) return this.#after.version;
    return Math.max(0, latest - 1);
  }

  #begin(): void {
    const { log, watch, telemetry } = this.#options;
    telemetry.subscriptionOpened();
    this.#cleanups.push(
      () => telemetry.subscriptionClosed(),
      log.onAppend(this.#orderId, () => this.#onRing()),
      watch.watch(this.#orderId, () => {
        this.#missing = true;
        this.#onRing();
      }),
    );
  }

  #denied(): GatewayError {
    this.#end();
    return topupNotFound();
  }

  #onRing(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async #ring(): Promise<void> {
    if (this.#rung || this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  #end(): void {
    this.#ended = true;
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#wake?.();
  }
}
