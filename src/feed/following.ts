import { setImmediate } from 'node:timers/promises';
import type { Cursor } from '../core/cursor.ts';
import type { Order } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { isSettled } from '../core/topup.ts';
import { type TopupView, viewOfEarlier } from '../core/view.ts';
import { GatewayError } from '../errors.ts';
import type { Audience, AudienceOptions, Audiences, Member } from './audience.ts';

export interface FollowingOptions extends AudienceOptions {
  readonly audiences: Audiences;
  readonly telemetry: Telemetry;
}

/** A snapshot, or the error that ends the stream. */
export type FollowedEvent = TopupView | GatewayError;

/** The terms on which a subscriber follows an order. */
export interface Terms {
  /** Pays for the upstream lookups of an order that the log does not know. */
  readonly account?: Account | undefined;
  /** When the right to the order ends, in Unix milliseconds, and the error that is then the last event. */
  readonly expiry?: { readonly at: number; readonly error: () => GatewayError } | undefined;
}

export interface Account {
  /** Takes one lookup off the account. Returns why the lookup may not be made, or `undefined` if it may. */
  spend(): GatewayError | undefined;
  /** Charges for lookups that were made without a call of `spend`. */
  charge(lookups: number): void;
}

/** Receives events as they come. */
export interface Sink {
  /** Whether the sink can take another event now. If not, it calls `Following.resume` once it can. */
  readonly isReady: boolean;
  event(event: FollowedEvent): void;
  /** No further event follows. */
  end(): void;
  /** The log or the sink itself failed. No further event follows. */
  fail(error: unknown): void;
}

export function topupNotFound(): GatewayError {
  return new GatewayError('TOPUP_NOT_FOUND', 'OneClickDz knows no top-up with this id.');
}

/** How many more lookups an unknown order takes in the 15 s for which it is followed, after the first one. */
const MORE_LOOKS_IN_VAIN = 4;

/** How many catch-up events may go out in a row before the event loop gets a turn. */
const MOST_AT_ONCE = 64;

const ALREADY: Promise<unknown> = Promise.resolve();

type Taken = FollowedEvent | 'wait' | 'end';

/**
 * Follows one order from a cursor: one mechanism both catches up and waits for the bell. It holds a position in the
 * log instead of a queue, so a slow subscriber misses nothing and costs no memory.
 *
 * Events are pulled one by one (`next`), or delivered to a sink as fast as the sink takes them.
 *
 * Not an async generator, because a generator that is waiting cannot be ended from outside: `return()` would queue
 * behind a bell that may never ring.
 */
export class Following implements AsyncIterableIterator<FollowedEvent>, Member {
  readonly #options: FollowingOptions;
  readonly #orderId: string;
  readonly #after: Cursor | undefined;
  readonly #terms: Terms;
  #audience: Audience | undefined;
  /** The last version handed out, or the one to start after; `undefined` before the first read. */
  #version: number | undefined;
  /** How many superseded versions have been read. */
  #caughtUp = 0;
  /** Ends the watch for the first look at an unknown order; `undefined` when there is no such watch. */
  #unseen: (() => void) | undefined;
  #denied = false;
  #rung = false;
  #ended = false;
  #wake: (() => void) | undefined;
  #sink: Sink | undefined;
  #pumping = false;
  /** The latest pull: concurrent calls of `next` are answered one after the other. */
  #last: Promise<unknown> = ALREADY;

  constructor(
    options: FollowingOptions,
    orderId: string,
    { after, terms }: { readonly after: Cursor | undefined; readonly terms: Terms },
  ) {
    this.#options = options;
    this.#orderId = orderId;
    this.#after = after;
    this.#terms = terms;
  }

  /** When the right to the order ends, in Unix milliseconds; `undefined` if it does not. */
  get expiresAt(): number | undefined {
    return this.#terms.expiry?.at;
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
    // The subscriber leaves while the upstream is still being asked for the order.
    if (this.#unseen !== undefined) this.#terms.account?.charge(MORE_LOOKS_IN_VAIN);
    this.#end();
    return { done: true, value: undefined };
  }

  /** From now on all events go to the sink; `next` is no longer to be called. */
  deliverTo(sink: Sink): void {
    this.#sink = sink;
    this.resume();
  }

  /** To be called when the sink can take events again. */
  resume(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#pump();
  }

  onRing(): void {
    this.#rung = true;
    this.#wake?.();
    if (this.#sink !== undefined) this.resume();
  }

  /** Hands all available events to the sink, synchronously as long as no read has to be awaited. */
  #pump(): void {
    const sink = this.#sink;
    try {
      while (sink?.isReady) {
        const taken = this.#take();
        if (taken instanceof Promise) {
          taken.then((late) => this.#pumpOn(late)).catch((error: unknown) => this.#fail(error));
          return;
        }
        if (!this.#hand(taken)) break;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#pumping = false;
  }

  #pumpOn(taken: Taken): void {
    if (this.#hand(taken) || this.#rung) this.#pump();
    else this.#pumping = false;
  }

  /** Hands an event or the end to the sink. Returns whether another event may be available at once. */
  #hand(taken: Taken): boolean {
    if (taken === 'wait') return false;
    if (taken === 'end') this.#sink?.end();
    else this.#sink?.event(taken);
    return taken !== 'end';
  }

  #fail(error: unknown): void {
    this.#pumping = false;
    this.#end();
    this.#sink?.fail(error);
  }

  async #pull(): Promise<IteratorResult<FollowedEvent, undefined>> {
    try {
      for (;;) {
        const taken = await this.#take();
        if (taken === 'end') return { done: true, value: undefined };
        if (taken !== 'wait') return { done: false, value: taken };
        await this.#ring();
      }
    } catch (error) {
      // Consumers need not call `return()` on an iterator that threw.
      this.#end();
      throw error;
    }
  }

  /** The next event, `end`, or `wait` if there is nothing before the bell rings. */
  #take(): Taken | Promise<Taken> {
    if (this.#ended) return 'end';
    if (this.#audience === undefined) return this.#begin();
    return this.#read(this.#audience);
  }

  /** The lookup of an order that the log does not know is paid for before it is made. */
  async #begin(): Promise<Taken> {
    const { audiences, log, telemetry } = this.#options;
    const known = audiences.isKnown(this.#orderId) || (await log.find(this.#orderId)) !== undefined;
    if (this.#ended) return 'end';
    const refusal = known ? undefined : this.#terms.account?.spend();
    if (refusal !== undefined) {
      this.#ended = true;
      return refusal;
    }
    telemetry.subscriptionOpened();
    this.#audience = audiences.join(this.#orderId, this);
    if (!known) this.#unseen = this.#waitForFirstLook();
    return this.#read(this.#audience);
  }

  #waitForFirstLook(): () => void {
    return this.#options.watch.watch(this.#orderId, () => {
      this.#denied = true;
      this.onRing();
    });
  }

  #read(audience: Audience): Taken | Promise<Taken> {
    // Cleared before the log is read: a ring from here on may announce snapshots that this read misses.
    this.#rung = false;
    const order = audience.order();
    return order instanceof Promise
      ? order.then((read) => this.#next(read, audience))
      : this.#next(order, audience);
  }

  #next(order: Order | undefined, audience: Audience): Taken | Promise<Taken> {
    if (this.#ended) return 'end';
    const { expiry } = this.#terms;
    if (expiry !== undefined && this.#options.clock.now() >= expiry.at) {
      return this.#lastly(expiry.error());
    }
    this.#version ??= this.#startingVersion(order);
    if (order === undefined) return this.#denied ? this.#notFound() : 'wait';
    this.#seen();
    return this.#version < order.latest.version
      ? this.#nextVersion(order, { audience, version: this.#version })
      : this.#upToDate(order);
  }

  #nextVersion(
    order: Order,
    { audience, version }: { readonly audience: Audience; readonly version: number },
  ): Taken | Promise<Taken> {
    if (order.latest.version > version + 1) return this.#earlierVersion(order, version);
    return this.#given(order.latest.version, audience.view(order));
  }

  async #earlierVersion(order: Order, version: number): Promise<Taken> {
    this.#caughtUp += 1;
    // A log that answers at once and a client that reads as fast would otherwise block the event loop.
    if (this.#caughtUp % MOST_AT_ONCE === 0) await setImmediate();
    const range = { after: version, limit: 1, from: 'oldest' } as const;
    const [snapshot] = await this.#options.log.read(this.#orderId, range);
    if (this.#ended) return 'end';
    if (snapshot === undefined) return 'wait';
    return this.#given(snapshot.version, viewOfEarlier(snapshot, order));
  }

  #given(version: number, view: TopupView): TopupView {
    this.#version = version;
    this.#options.telemetry.eventSent();
    return view;
  }

  #upToDate(order: Order): Taken {
    if (!isSettled(order.latest.upstreamStatus)) return 'wait';
    this.#end();
    return 'end';
  }

  /** With a cursor of another log, or one beyond the end of this log, the stream starts with the latest snapshot. */
  #startingVersion(order: Order | undefined): number {
    const latest = order?.latest.version ?? 0;
    const ours = this.#after !== undefined && this.#after.logId === this.#options.log.logId;
    if (ours && this.#after.version <= latest) return this.#after.version;
    return Math.max(0, latest - 1);
  }

  #seen(): void {
    this.#unseen?.();
    this.#unseen = undefined;
  }

  #notFound(): GatewayError {
    this.#terms.account?.charge(MORE_LOOKS_IN_VAIN);
    return this.#lastly(topupNotFound());
  }

  #lastly(error: GatewayError): GatewayError {
    this.#options.telemetry.eventSent();
    this.#end();
    return error;
  }

  async #ring(): Promise<void> {
    if (this.#rung || this.#ended) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const { expiry } = this.#terms;
    const { clock } = this.#options;
    const timer = expiry && clock.after(expiry.at - clock.now(), resolve);
    await promise;
    timer?.cancel();
    this.#wake = undefined;
  }

  #end(): void {
    this.#ended = true;
    if (this.#audience !== undefined) {
      this.#options.audiences.leave(this.#orderId, this);
      this.#options.telemetry.subscriptionClosed();
      this.#audience = undefined;
    }
    this.#seen();
    this.#wake?.();
  }
}
