import { LRUCache } from 'lru-cache';
import { type Few, listOf, withOne, withoutOne } from '../core/few.ts';
import type { Clock } from '../core/ports.ts';
import type { Order, SnapshotLog } from '../core/store.ts';
import type { Watch } from '../core/topups.ts';
import { type TopupView, viewOf } from '../core/view.ts';

/** Somebody who follows the order of an audience. */
export interface Member {
  /** There may be more to read. */
  onRing(): void;
}

export interface AudienceOptions {
  readonly log: SnapshotLog;
  readonly watch: Watch;
  readonly clock: Clock;
}

/** What is there once for all audiences. */
interface AudienceParts extends AudienceOptions {
  /** The bell of them all. */
  readonly ring: (orderId: string) => void;
  /** Called when an audience holds what the log says, until `forget`. */
  readonly onHeld: (audience: Audience) => void;
}

/**
 * All who follow one order: one bell, one watch, and one look at the log after each write serve them all,
 * and who is shown the same state is given the same view, by which an answer made for one is known to be
 * another's too.
 */
export class Audience {
  readonly #parts: AudienceParts;
  readonly #orderId: string;
  readonly #silence: () => void;
  readonly #endWatch: () => void;
  #members: Few<Member>;
  /** As it stands in the log; `undefined` where that has to be read again. */
  #order: Order | undefined;
  /** The last view that was made, and of what. */
  #viewed: { readonly order: Order; readonly view: TopupView } | undefined;
  /** Counts what is written of the order: a read that began before is not taken for the present. */
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

  /** At once where it is known, since to wait costs more than all the rest. */
  order(): Order | undefined | Promise<Order | undefined> {
    return this.#order ?? this.#read();
  }

  /** The latest state, as of now. */
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

  /** Whoever asks next reads the log again. */
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

/** Whoever follows an order that nobody has seen is told by a watch of its own. */
function ignore(): void {}

/** Whether a view that was made before is what would be made now. */
function isSteady({ nextCheckAt, turns, isStale, isOverdue }: TopupView, now: number): boolean {
  return (
    (nextCheckAt === null || now <= nextCheckAt) &&
    (isStale || now <= turns.stale) &&
    (isOverdue || now <= turns.overdue)
  );
}

/** More than one list of the upstream shows; orders of idle subscribers are not kept in memory for them. */
const MOST_HELD = 128;

/** The audiences of all orders that are followed. */
export class Audiences {
  readonly #parts: AudienceParts;
  readonly #byOrder = new Map<string, Audience>();
  /** Those that hold what the log says. */
  readonly #recent = new LRUCache<Audience, true>({
    max: MOST_HELD,
    dispose: (_true, audience) => audience.forget(),
    noDisposeOnSet: true,
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

  /** Whether somebody follows the order, and it has been seen. */
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
