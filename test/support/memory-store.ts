import { randomUUID } from 'node:crypto';
import { isAbandoned, isParked } from '../../src/core/cadence.ts';
import type {
  Census,
  Order,
  Planner,
  Range,
  Recorded,
  Reschedule,
  Store,
  Window,
} from '../../src/core/store.ts';
import { isSettled, type Observation, type Snapshot, statusOf } from '../../src/core/topup.ts';
import { advance } from '../../src/store/advance.ts';
import { Bells } from '../../src/store/bells.ts';
import { storeClosed } from '../../src/store/errors.ts';

/**
 * The reference implementation, which other stores are compared with: clear rather than fast. Its data is gone once
 * the process ends.
 */
export function createMemoryStore(options: { readonly logId?: string } = {}): Store {
  return new MemoryStore(options.logId ?? randomUUID());
}

type Tracked = Order & { readonly dueAt: number };

class MemoryStore implements Store {
  readonly logId: string;
  readonly #orders = new Map<string, Order>();
  readonly #snapshots = new Map<string, Snapshot[]>();
  readonly #notes = new Map<string, string>();
  readonly #bells = new Bells();
  #closed = false;

  constructor(logId: string) {
    this.logId = logId;
  }

  async record(observation: Observation, plan: Planner): Promise<Recorded> {
    this.#mustBeOpen();
    const { orderId } = observation;
    const recorded = advance(this.#orders.get(orderId), observation, plan);
    this.#orders.set(orderId, recorded.order);
    if (recorded.appended !== undefined) {
      this.#snapshots.set(orderId, [...this.#snapshotsOf(orderId), recorded.appended]);
    }
    if (recorded.order !== recorded.before) this.#bells.written(orderId, recorded);
    if (recorded.appended !== undefined) this.#bells.ring(orderId);
    return recorded;
  }

  async recordAll(
    observations: readonly Observation[],
    plan: Planner,
  ): Promise<readonly Recorded[]> {
    return Promise.all(observations.map((observation) => this.record(observation, plan)));
  }

  async find(orderId: string): Promise<Order | undefined> {
    this.#mustBeOpen();
    return this.#orders.get(orderId);
  }

  async read(orderId: string, range: Range): Promise<readonly Snapshot[]> {
    this.#mustBeOpen();
    const { after = 0, before = Number.POSITIVE_INFINITY, limit, from } = range;
    const within = this.#snapshotsOf(orderId).filter(
      ({ version }) => version > after && version < before,
    );
    return from === 'oldest'
      ? within.slice(0, limit)
      : within.slice(Math.max(within.length - limit, 0));
  }

  onAppend(orderId: string, ring: (orderId: string) => void): () => void {
    return this.#bells.hang(orderId, ring);
  }

  onWrite(written: (orderId: string, recorded: Recorded | undefined) => void): () => void {
    return this.#bells.listen(written);
  }

  async reschedule(orderId: string, change: Reschedule): Promise<void> {
    this.#mustBeOpen();
    const order = this.#orders.get(orderId);
    if (order === undefined || isSettled(order.latest.upstreamStatus)) return;
    this.#orders.set(orderId, { ...order, ...change });
    this.#bells.written(orderId);
  }

  async clockSetBack(now: number): Promise<void> {
    this.#mustBeOpen();
    for (const [orderId, order] of this.#orders) {
      const { latest, checkedAt, dueAt, failures } = order;
      const waits = failures > 0 && dueAt !== null && dueAt > now;
      if (isSettled(latest.upstreamStatus) || !(checkedAt > now || waits)) continue;
      this.#orders.set(orderId, {
        ...order,
        checkedAt: Math.min(checkedAt, now),
        dueAt: dueAt === null ? null : Math.min(dueAt, now),
      });
      this.#bells.written(orderId);
    }
  }

  async due(query: { readonly before: number; readonly limit: number }): Promise<readonly Order[]> {
    this.#mustBeOpen();
    const due = this.#tracked().filter(({ dueAt }) => dueAt <= query.before);
    const parked = due.filter(isParked).slice(0, query.limit);
    const others = due.filter((order) => !isParked(order)).slice(0, query.limit);
    return [...parked, ...others].sort(byDueAt);
  }

  async createdWithin(query: Window & { readonly limit: number }): Promise<readonly Order[]> {
    this.#mustBeOpen();
    const createdAt = ({ latest }: Order) => latest.createdAt ?? Number.NaN;
    return this.#tracked()
      .filter((order) => createdAt(order) >= query.from && createdAt(order) <= query.to)
      .sort((a, b) => createdAt(b) - createdAt(a) || (a.latest.orderId < b.latest.orderId ? 1 : -1))
      .slice(0, query.limit);
  }

  async creationTimes({ from, to }: Window): Promise<readonly number[]> {
    this.#mustBeOpen();
    return [...this.#orders.values()]
      .flatMap(({ latest }) => latest.createdAt ?? [])
      .filter((at) => at >= from && at <= to)
      .sort((a, b) => a - b);
  }

  async census(query: { readonly overdueBefore: number }): Promise<Census> {
    this.#mustBeOpen();
    const tracked = { HANDLING: 0, QUEUED: 0, UNKNOWN: 0 };
    let overdue = 0;
    for (const order of this.#tracked()) {
      const status = statusOf(order.latest.upstreamStatus);
      if (status === 'FULFILLED' || status === 'REFUNDED') continue;
      tracked[status] += 1;
      if (status !== 'QUEUED' && order.statusSince < query.overdueBefore) overdue += 1;
    }
    const abandoned = [...this.#orders.values()].filter(isAbandoned).length;
    return { tracked, overdue, abandoned };
  }

  async note(name: string, value: string): Promise<void> {
    this.#mustBeOpen();
    this.#notes.set(name, value);
  }

  async recall(name: string): Promise<string | undefined> {
    this.#mustBeOpen();
    return this.#notes.get(name);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #snapshotsOf(orderId: string): readonly Snapshot[] {
    return this.#snapshots.get(orderId) ?? [];
  }

  /** The longest-due first; orders due at the same moment by their ids. */
  #tracked(): Tracked[] {
    return [...this.#orders.values()]
      .filter((order): order is Tracked => order.dueAt !== null)
      .sort(byDueAt);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw storeClosed();
  }
}

function byDueAt(one: Tracked, other: Tracked): number {
  return one.dueAt - other.dueAt || (one.latest.orderId < other.latest.orderId ? -1 : 1);
}
