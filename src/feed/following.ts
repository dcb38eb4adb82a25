import { setImmediate } from 'node:timers/promises';
import { type Cursor, encodeCursor } from '../core/cursor.ts';
import type { Order } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { isSettled } from '../core/topup.ts';
import { type TopupView, viewOfEarlier } from '../core/view.ts';
import { GatewayError } from '../errors.ts';
import type { Audience, AudienceOptions, Audiences, Member } from './audience.ts';
import { EventIterator } from './event-iterator.ts';
import { FirstLook } from './first-look.ts';
import type { Terms } from './terms.ts';

export interface FollowingOptions extends AudienceOptions {
  readonly audiences: Audiences;
  readonly telemetry: Telemetry;
}

/** A snapshot, or the error that ends the stream. */
export type FollowedEvent = TopupView | GatewayError;

/** The next event; `wait` if there is none before the bell rings; `end` if none follows. */
export type Taken = FollowedEvent | 'wait' | 'end';

/** Takes the events of a `Following`. */
export interface Taker {
  /** Called when `take` may no longer answer `wait`. */
  readOn(): void;
}

export function topupNotFound(): GatewayError {
  return new GatewayError('TOPUP_NOT_FOUND', 'OneClickDz knows no top-up with this id.');
}

/** How many catch-up events may go out in a row before the event loop gets a turn. */
const MOST_AT_ONCE = 64;

/**
 * Follows one order from a cursor: one mechanism both catches up and keeps up. It holds a position in the log instead
 * of a queue, so a slow subscriber misses nothing and costs no memory.
 *
 * It only answers `take`. When to take is up to its taker: an `EventIterator`, from which events are pulled one by one,
 * or a `Pump`, which delivers them to a sink as fast as the sink takes them.
 */
export class Following implements AsyncIterable<FollowedEvent>, Member {
  readonly #options: FollowingOptions;
  readonly #orderId: string;
  readonly #terms: Terms;
  /** The audience of the order: joined with the first `take`, left with the end. */
  #audience: 'not joined' | Audience | 'left' = 'not joined';
  /** The version that was handed out last; before the first read, the cursor to start after. */
  #position: number | Cursor | undefined;
  /** Only while the log does not know the order. */
  #firstLook: FirstLook | undefined;
  #taker: Taker | undefined;

  constructor(
    options: FollowingOptions,
    orderId: string,
    { after, terms }: { readonly after: Cursor | undefined; readonly terms: Terms },
  ) {
    this.#options = options;
    this.#orderId = orderId;
    this.#terms = terms;
    this.#position = after;
  }

  /** When the right to the order ends, in Unix milliseconds; `undefined` if it does not. No bell rings then. */
  get expiresAt(): number | undefined {
    return this.#terms.expiry?.at;
  }

  /** The cursor of an event; an error has none. */
  cursorOf(event: FollowedEvent): string | undefined {
    if (event instanceof GatewayError) return undefined;
    const { version } = event.snapshot;
    return encodeCursor({ logId: this.#options.log.logId, version });
  }

  [Symbol.asyncIterator](): EventIterator {
    return new EventIterator(this, this.#options.clock);
  }

  /** From now on `taker` takes the events, and nobody else. */
  ringFor(taker: Taker): void {
    this.#taker = taker;
  }

  onRing(): void {
    this.#taker?.readOn();
  }

  /** Answers at once if the log need not be read, and is to be called again only after it has answered. */
  take(): Taken | Promise<Taken> {
    const audience = this.#audience;
    if (audience === 'left') return 'end';
    if (audience === 'not joined') return this.#begin(this.#terms);
    const order = audience.order();
    return order instanceof Promise
      ? order.then((read) => this.#next(read, audience))
      : this.#next(order, audience);
  }

  /** The subscriber leaves: whoever takes the events is told the end. More than one call does no harm. */
  leave(): void {
    if (this.#audience === 'left') return;
    // While the upstream is being asked for the order, nobody leaves without paying for it.
    this.#firstLook?.charge();
    this.end();
    this.onRing();
  }

  /** No event follows, and nothing is left behind. More than one call does no harm. */
  end(): void {
    const audience = this.#audience;
    this.#audience = 'left';
    this.#endFirstLook();
    if (typeof audience === 'string') return;
    this.#options.audiences.leave(this.#orderId, this);
    this.#options.telemetry.subscriptionClosed();
  }

  async #begin({ refusal, account }: Terms): Promise<Taken> {
    if (refusal !== undefined) return this.#refuse(refusal);
    const { audiences, log, telemetry, watch } = this.#options;
    const orderId = this.#orderId;
    const isKnown = audiences.isKnown(orderId) || (await log.find(orderId)) !== undefined;
    if (this.#audience === 'left') return 'end';
    // The lookup of an order that the log does not know is paid for before it is made.
    const unpaid = isKnown ? undefined : account?.spend();
    if (unpaid !== undefined) return this.#refuse(unpaid);
    telemetry.subscriptionOpened();
    this.#audience = audiences.join(orderId, this);
    if (!isKnown) {
      const onInVain = () => this.onRing();
      this.#firstLook = new FirstLook({ watch, orderId, account, onInVain });
    }
    return this.take();
  }

  #refuse(error: GatewayError): GatewayError {
    this.end();
    return error;
  }

  #next(order: Order | undefined, audience: Audience): Taken | Promise<Taken> {
    if (this.#audience === 'left') return 'end';
    const { expiry } = this.#terms;
    if (expiry !== undefined && this.#options.clock.now() >= expiry.at) {
      return this.#lastly(expiry.error());
    }
    const version = this.#versionIn(order);
    this.#position = version;
    if (order === undefined) return this.#firstLook?.isInVain ? this.#notFound() : 'wait';
    this.#endFirstLook();
    const latest = order.latest.version;
    if (version + 1 < latest) return this.#earlierVersion(order, version);
    if (version < latest) return this.#given(latest, audience.view(order));
    return this.#upToDate(order);
  }

  /**
   * The version after which the stream goes on. With a cursor of another log, or one beyond the end of this log, it
   * starts with the latest snapshot.
   */
  #versionIn(order: Order | undefined): number {
    const position = this.#position;
    if (typeof position === 'number') return position;
    const latest = order?.latest.version ?? 0;
    const isOurs = position?.logId === this.#options.log.logId;
    return isOurs && position.version <= latest ? position.version : Math.max(0, latest - 1);
  }

  async #earlierVersion(order: Order, version: number): Promise<Taken> {
    // A log that answers at once and a client that reads as fast would otherwise block the event loop.
    if (version % MOST_AT_ONCE === 0) await setImmediate();
    const range = { after: version, limit: 1, from: 'oldest' } as const;
    const [snapshot] = await this.#options.log.read(this.#orderId, range);
    if (this.#audience === 'left') return 'end';
    if (snapshot === undefined) return 'wait';
    return this.#given(snapshot.version, viewOfEarlier(snapshot, order));
  }

  #given(version: number, view: TopupView): TopupView {
    this.#position = version;
    this.#options.telemetry.eventSent();
    return view;
  }

  #upToDate(order: Order): Taken {
    if (!isSettled(order.latest.upstreamStatus)) return 'wait';
    this.end();
    return 'end';
  }

  #notFound(): GatewayError {
    this.#firstLook?.charge();
    return this.#lastly(topupNotFound());
  }

  #lastly(error: GatewayError): GatewayError {
    this.#options.telemetry.eventSent();
    this.end();
    return error;
  }

  #endFirstLook(): void {
    this.#firstLook?.end();
    this.#firstLook = undefined;
  }
}
