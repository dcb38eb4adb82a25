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

/** A snapshot, or the reason for which there will be none. */
export type FollowedEvent = TopupView | GatewayError;

/** On what terms somebody follows an order. */
export interface Terms {
  /** On whose account the looks go at an order that the log does not know. */
  readonly account?: Account | undefined;
  /** From when on there is no right to it, Unix milliseconds, and the error that is the last event then. */
  readonly expiry?: { readonly at: number; readonly error: () => GatewayError } | undefined;
}

export interface Account {
  /** Takes one lookup: why it may not be made, or `undefined` where it may. */
  spend(): GatewayError | undefined;
  /** Takes lookups that were made without asking first. */
  charge(lookups: number): void;
}

/** Takes events as they come. */
export interface Sink {
  /** Whether it takes another one now; else it calls `Following.resume` once it does. */
  readonly isReady: boolean;
  event(event: FollowedEvent): void;
  /** Nothing follows. */
  end(): void;
  /** The log failed, or the sink itself did, and nothing follows. */
  fail(error: unknown): void;
}

export function topupNotFound(): GatewayError {
  return new GatewayError('TOPUP_NOT_FOUND', 'OneClickDz knows no top-up with this id.');
}

/** An order that nobody has seen is looked for about so often, after the first look, while it is followed. */
const MORE_LOOKS_IN_VAIN = 3;

/** So many events may go out in a row before others have their turn. */
const MOST_AT_ONCE = 64;

const ALREADY: Promise<unknown> = Promise.resolve();

type Taken = FollowedEvent | 'wait' | 'end';

/**
 * Follows one order from a cursor: catches up, then waits for the bell, by one mechanism. It holds a
 * place in the log and no queue, so whoever takes slowly misses nothing and costs no memory.
 *
 * Events are pulled one by one (`next`), or delivered to a sink that takes them as fast as it can.
 *
 * Written out instead of as a generator, because a generator that waits cannot be ended from outside:
 * `return()` would queue behind a bell that may never ring.
 */
export class Following implements AsyncIterableIterator<FollowedEvent>, Member {
  readonly #options: FollowingOptions;
  readonly #orderId: string;
  readonly #after: Cursor | undefined;
  readonly #terms: Terms;
  #audience: Audience | undefined;
  /** The last version handed out; `undefined` before the first event. */
  #version: number | undefined;
  /** How many versions were read that a later one had replaced. */
  #caughtUp = 0;
  /** Ends the wait for an order that nobody has seen; there while it lasts. */
  #unseen: (() => void) | undefined;
  #denied = false;
  #rung = false;
  #ended = false;
  #wake: (() => void) | undefined;
  #sink: Sink | undefined;
  #pumping = false;
  /** Pulls are answered one after the other, however many come at once. */
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

  /** From when on there is no right to it, Unix milliseconds. */
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
    // Left while it was looked for.
    if (this.#unseen !== undefined) this.#terms.account?.charge(MORE_LOOKS_IN_VAIN);
    this.#end();
    return { done: true, value: undefined };
  }

  /** From now on all events go to the sink, instead of to whoever pulls. */
  deliverTo(sink: Sink): void {
    this.#sink = sink;
    this.resume();
  }

  /** The sink takes events again. */
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

  /** Hands out all there is, without a promise in between where none is needed. */
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

  /** Whether there may be more at once. */
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
      // Nobody may call `return()` on one that threw.
      this.#end();
      throw error;
    }
  }

  /** What comes next: an event, the end, or nothing before the bell rings. */
  #take(): Taken | Promise<Taken> {
    if (this.#ended) return 'end';
    if (this.#audience === undefined) return this.#begin();
    return this.#read(this.#audience);
  }

  /** Whoever asks for an order that the log does not know pays for the look before it is made. */
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
    // Cleared before the log is read: a ring from here on means that there may be more than we saw.
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
    // A log that answers at once, and a client that reads as fast, would leave nobody else a turn.
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

  /** A cursor of another log, or beyond the end of this one, starts over with the latest snapshot. */
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
