import { LRUCache } from 'lru-cache';
import { type Few, listOf, withOne, withoutOne } from '../core/few.ts';
import type { Clock } from '../core/ports.ts';
import type { Order, SnapshotLog } from '../core/store.ts';
import type { Watch } from '../core/topups.ts';
import { type TopupView, viewOf } from '../core/view.ts';

/** A follower of the order of an audience. */
export interface Member {
  /** The log may hold new snapshots of the order. */
  onRing(): void;
}

export interface AudienceOptions {
  readonly log: SnapshotLog;
  readonly watch: Watch;
  readonly clock: Clock;
}

/** Shared by all audiences. */
interface AudienceParts extends AudienceOptions {
  /** Rings the audience of an order. Called by the log after each commit that appended to the order. */
  readonly ring: (orderId: string) => void;
  /** Called when an audience starts to keep its order in memory, which it does until `forget`. */
  readonly onHeld: (audience: Audience) => void;
}

/**
 * All followers of one order. They share one bell, one watch, and one read of the log after each write. Followers that
 * are shown the same state get the same view object, so a response rendered for one can be reused for the others.
 */
export class Audience {
  readonly #parts: AudienceParts;
  readonly #orderId: string;
  readonly #silence: () => void;
  readonly #endWatch: () => void;
  #members: Few<Member>;
  /** The order as it stands in the log; `undefined` if the log has to be read again. */
  #order: Order | undefined;
  /** The last view that was made, and the order that it was made from. */
  #viewed: { readonly order: Order; readonly view: TopupView } | undefined;
  /** Counts the writes to the order: the result of a read that began before the last write is not kept. */
  #writes = 0;

  constructor(parts: AudienceParts, orderId: string) {
    const { log, watch, ring } = parts;
    this.#parts = parts;
    this.#orderId = orderId;
    this.#silence = log.onAppend(orderId, ring);
    this.#endWatch = watch.watch(orderId, ignore);
  }

  get isEmpty(): boolean {
    return this.#members === undefined;
  }

  add(member: Member): void {
    this.#members = withOne(this.#members, member);
  }

  remove(member: Member): void {
    this.#members = withoutOne(this.#members, member);
  }

  get isKnown(): boolean {
    return this.#order !== undefined;
  }

  /** Synchronous if the order is in memory: awaiting a promise would cost more than all the rest. */
  order(): Order | undefined | Promise<Order | undefined> {
    return this.#order ?? this.#read();
  }

  /** The view of the order as of now; the same object while it would not differ. */
  view(order: Order): TopupView {
    const now = this.#parts.clock.now();
    if (this.#viewed?.order === order && isSteady(this.#viewed.view, now)) return this.#viewed.view;
    const view = viewOf(order, now);
    this.#viewed = { order, view };
    return view;
  }

  onWrite(order: Order | undefined): void {
    this.#writes += 1;
    this.forget();
    if (order !== undefined) this.#hold(order);
  }

  /** The next call of `order` reads the log again. */
  forget(): void {
    this.#order = undefined;
    this.#viewed = undefined;
  }

  #hold(order: Order): void {
    this.#order = order;
    this.#parts.onHeld(this);
  }

  close(): void {
    this.#silence();
    this.#endWatch();
  }

  async #read(): Promise<Order | undefined> {
    const { log } = this.#parts;
    const writes = this.#writes;
    const order = await log.find(this.#orderId);
    if (writes === this.#writes && order !== undefined) this.#hold(order);
    return order;
  }

  ring(): void {
    for (const member of listOf(this.#members)) member.onRing();
  }
}

/** A `Following` has a watch of its own on an unknown order, and learns from that one that the order is missing. */
function ignore(): void {}

/** Whether a new view of the same order would be equal to this one. */
function isSteady({ nextCheckAt, turns, isStale, isOverdue }: TopupView, now: number): boolean {
  return (
    (nextCheckAt === null || now <= nextCheckAt) &&
    (isStale || now <= turns.stale) &&
    (isOverdue || now <= turns.overdue)
  );
}

/**
 * How many audiences keep their order in memory: more than the orders that one list call to the upstream can change.
 * Orders of idle subscribers leave memory.
 */
const MOST_HELD = 128;

/** The audiences of all followed orders. */
export class Audiences {
  readonly #parts: AudienceParts;
  readonly #byOrder = new Map<string, Audience>();
  /** The audiences that keep their order in memory. */
  readonly #recent = new LRUCache<Audience, true>({
    max: MOST_HELD,
    dispose: (_true, audience) => audience.forget(),
  });

  constructor(options: AudienceOptions) {
    this.#parts = {
      ...options,
      ring: (orderId) => this.#byOrder.get(orderId)?.ring(),
      onHeld: (audience) => void this.#recent.set(audience, true),
    };
    options.log.onWrite((orderId, recorded) =>
      this.#byOrder.get(orderId)?.onWrite(recorded?.order),
    );
  }

  /** Whether the order has followers and is in memory. */
  isKnown(orderId: string): boolean {
    return this.#byOrder.get(orderId)?.isKnown ?? false;
  }

  join(orderId: string, member: Member): Audience {
    const audience = this.#byOrder.get(orderId) ?? new Audience(this.#parts, orderId);
    this.#byOrder.set(orderId, audience);
    audience.add(member);
    return audience;
  }

  leave(orderId: string, member: Member): void {
    const audience = this.#byOrder.get(orderId);
    if (audience === undefined) return;
    audience.remove(member);
    if (!audience.isEmpty) return;
    this.#byOrder.delete(orderId);
    this.#recent.delete(audience);
    audience.close();
  }
}
