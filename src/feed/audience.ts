import { LRUCache } from 'lru-cache';
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

/**
 * All who follow one order: one bell, one watch, and one look at the log after each write serve them all,
 * and who is shown the same state is given the same view, by which an answer made for one is known to be
 * another's too.
 */
class Audience {
  readonly members = new Set<Member>();
  readonly #options: AudienceOptions;
  readonly #orderId: string;
  readonly #leave: (() => void)[];
  readonly #onRead: (audience: Audience) => void;
  /** As it stands in the log; `undefined` where that has to be read again. */
  #order: Order | undefined;
  /** The last view that was made, and of what. */
  #viewed: { readonly order: Order; readonly view: TopupView } | undefined;
  /** Counts what is written of the order: a read that began before is not taken for the present. */
  #writes = 0;

  /** @param onRead called when it holds what the log says, until `forget`. */
  constructor(options: AudienceOptions, orderId: string, onRead: (audience: Audience) => void) {
    this.#options = options;
    this.#orderId = orderId;
    this.#onRead = onRead;
    this.#leave = [
      options.log.onAppend(orderId, () => this.#ring()),
      options.watch.watch(orderId, () => undefined),
    ];
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
    const now = this.#options.clock.now();
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
    this.#onRead(this);
  }

  close(): void {
    for (const leave of this.#leave) leave();
  }

  async #read(): Promise<Order | undefined> {
    const { log } = this.#options;
    const writes = this.#writes;
    const order = await log.find(this.#orderId);
    if (writes === this.#writes && order !== undefined) this.#hold(order);
    return order;
  }

  #ring(): void {
    for (const member of [...this.members]) member.onRing();
  }
}

export type { Audience };

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
  readonly #options: AudienceOptions;
  readonly #byOrder = new Map<string, Audience>();
  /** Those that hold what the log says. */
  readonly #recent = new LRUCache<Audience, true>({
    max: MOST_HELD,
    dispose: (_true, audience) => audience.forget(),
    noDisposeOnSet: true,
  });

  constructor(options: AudienceOptions) {
    this.#options = options;
    options.log.onWrite((orderId, order) => this.#byOrder.get(orderId)?.onWrite(order));
  }

  /** Whether somebody follows the order, and it has been seen. */
  isKnown(orderId: string): boolean {
    return this.#byOrder.get(orderId)?.isKnown ?? false;
  }

  join(orderId: string, member: Member): Audience {
    const audience = this.#byOrder.get(orderId) ?? this.#open(orderId);
    this.#byOrder.set(orderId, audience);
    audience.members.add(member);
    return audience;
  }

  leave(orderId: string, member: Member): void {
    const audience = this.#byOrder.get(orderId);
    if (!audience?.members.delete(member) || audience.members.size > 0) return;
    this.#byOrder.delete(orderId);
    this.#recent.delete(audience);
    audience.close();
  }

  #open(orderId: string): Audience {
    return new Audience(
      this.#options,
      orderId,
      (audience) => void this.#recent.set(audience, true),
    );
  }
}
