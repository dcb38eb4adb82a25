import { describe, expect, it, vi } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { viewOf } from '../../src/core/view.ts';
import { GatewayError } from '../../src/errors.ts';
import { Audiences } from '../../src/feed/audience.ts';
import { type FollowedEvent, Following } from '../../src/feed/following.ts';
import { Pump, type Sink } from '../../src/feed/pump.ts';
import type { Terms } from '../../src/feed/terms.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { noTelemetry } from '../support/silent.ts';

const MINUTE_MS = 60_000;

/** Takes events down, as long as it is told to. */
class Notebook implements Sink {
  readonly lines: string[] = [];
  readonly events: FollowedEvent[] = [];
  isReady = true;
  /** Called after each event is down. */
  onEvent: () => void = () => undefined;

  event(event: FollowedEvent): void {
    this.lines.push(told(event));
    this.events.push(event);
    this.onEvent();
  }

  end(): void {
    this.lines.push('end');
  }

  fail(error: unknown): void {
    this.lines.push(`failed: ${error instanceof Error ? error.message : error}`);
  }
}

/** Begins to deliver, as the owner of a sink does. */
function deliver(following: Following, sink: Sink): Pump {
  const pump = new Pump(following, sink);
  pump.readOn();
  return pump;
}

function told(event: FollowedEvent | undefined): string {
  if (event === undefined) return 'end';
  if (event instanceof GatewayError) return event.code;
  return `${event.snapshot.version} ${event.snapshot.upstreamStatus}`;
}

/** A log whose orders are found, and then held back until the test lets them go. */
class HeldLog {
  readonly log: Store;
  /** How often an order was looked for. */
  finds = 0;
  /** How many listen for what is appended. */
  listeners = 0;
  #gate: Promise<void> = Promise.resolve();
  #unheld = 0;
  #error: Error | undefined;

  constructor(store: Store) {
    const find = async (orderId: string) => {
      this.finds += 1;
      const order = await store.find(orderId);
      if (this.#unheld > 0) this.#unheld -= 1;
      else await this.#gate;
      if (this.#error !== undefined) throw this.#error;
      return order;
    };
    const onAppend: Store['onAppend'] = (...args) => {
      const silence = store.onAppend(...args);
      this.listeners += 1;
      return () => {
        silence();
        this.listeners -= 1;
      };
    };
    this.log = new Proxy(store, {
      get: (target, name) => {
        if (name === 'find') return find;
        if (name === 'onAppend') return onAppend;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** Holds all that are found from now on, but for the first ones. Returns what lets them go. */
  hold({ unheld = 0 } = {}): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#unheld = unheld;
    return resolve;
  }

  failWith(error: Error): void {
    this.#error = error;
  }
}

function open() {
  const clock = new ManualClock();
  const store = createMemoryStore({ logId: 'log' });
  const held = new HeldLog(store);
  const telemetry = { ...noTelemetry, open: 0 };
  telemetry.subscriptionOpened = () => {
    telemetry.open += 1;
  };
  telemetry.subscriptionClosed = () => {
    telemetry.open -= 1;
  };
  let watchers = 0;
  let giveUp: () => void = () => undefined;
  const watch = {
    watch: (_orderId: string, onInVain: () => void) => {
      watchers += 1;
      giveUp = onInVain;
      return () => {
        watchers -= 1;
      };
    },
  };
  const parts = { log: held.log, watch, clock, telemetry };
  const options = { ...parts, audiences: new Audiences(parts) };
  const follow = (version?: number, terms: Terms = {}, logId = 'log') => {
    const after = version === undefined ? undefined : { logId, version };
    return new Following(options, ORDER_ID, { after, terms });
  };
  const write = (upstreamStatus: string) =>
    store.record(observation({ upstreamStatus, observedAt: clock.now() }), () => clock.now());
  return {
    clock,
    store,
    held,
    audiences: options.audiences,
    telemetry,
    follow,
    write,
    watchers: () => watchers,
    giveUp: () => giveUp(),
  };
}

describe('an order that is followed', () => {
  it('shows what was written while an older state was read, once, after that state', async () => {
    const { held, follow, write } = open();
    await write('ONE');
    const events = follow()[Symbol.asyncIterator]();
    // The first look only tells whether there is an order at all.
    const letGo = held.hold({ unheld: 1 });
    const first = events.next();
    await settle();
    await write('TWO');
    letGo();
    const both = [await first, await events.next()];
    expect(both.map(({ value }) => told(value))).toEqual(['1 ONE', '2 TWO']);
    await events.return();
  });

  it('shows what was written while a read found nothing new', async () => {
    const { held, follow, write } = open();
    await write('ONE');
    const letGo = held.hold({ unheld: 1 });
    const events = Array.fromAsync(follow(1));
    await settle();
    await write('FULFILLED');
    letGo();
    expect((await events).map(told)).toEqual(['2 FULFILLED']);
  });

  it('is told in order to whoever asks for several states at once, each as it comes', async () => {
    const { follow, write, watchers, telemetry } = open();
    await write('ONE');
    const events = follow()[Symbol.asyncIterator]();
    const pulls = [1, 2, 3].map(() => events.next());
    for (const status of ['TWO', 'FULFILLED']) {
      await settle();
      expect([watchers(), telemetry.open]).toEqual([1, 1]);
      await write(status);
    }
    const pulled = await Promise.all(pulls);
    expect(pulled.map(({ value }) => told(value))).toEqual(['1 ONE', '2 TWO', '3 FULFILLED']);
    expect(pulled.map(({ done }) => done)).toEqual([false, false, false]);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('leaves nothing behind of whoever pulled its events and has enough, or met a log that failed', async () => {
    const { held, follow, write, watchers, telemetry } = open();
    await write('ONE');
    const [left, failed] = [follow(), follow(1)].map((each) => each[Symbol.asyncIterator]());
    await left?.next();
    expect(held.listeners).toBe(1);
    expect(await left?.return()).toEqual({ done: true, value: undefined });
    expect([watchers(), telemetry.open, held.listeners]).toEqual([0, 0, 0]);

    const letGo = held.hold({ unheld: 1 });
    const pull = failed?.next();
    await settle();
    expect(telemetry.open).toBe(1);
    held.failWith(new Error('The disk is gone.'));
    letGo();
    await expect(pull).rejects.toThrow('The disk is gone.');
    expect([watchers(), telemetry.open, held.listeners]).toEqual([0, 0, 0]);
    expect(await failed?.next()).toEqual({ done: true, value: undefined });
  });

  it('ends for whoever waits for its events, once there is no right to it or the subscriber leaves', async () => {
    const { clock, follow, write, watchers, telemetry } = open();
    await write('ONE');
    const error = () => new GatewayError('UNAUTHENTICATED', 'It is over.');
    const expiry = { at: clock.now() + 1_000, error };
    const [expiring, left] = [follow(1, { expiry }), follow(1)];
    const ends = [expiring, left].map(async (following) => {
      const events = await Array.fromAsync(following);
      return events.map(told);
    });
    await settle();
    expect(telemetry.open).toBe(2);
    await clock.advance(1_000);
    left.leave();
    expect(await Promise.all(ends)).toEqual([['UNAUTHENTICATED'], []]);
    expect([watchers(), telemetry.open]).toEqual([0, 0]);
  });

  it('is told to each subscriber as it stands when that one comes', async () => {
    const { clock, store, follow } = open();
    const plan = () => clock.now() + 10 * MINUTE_MS;
    const { order } = await store.record(observation({ observedAt: clock.now() }), plan);
    const stays = follow();
    deliver(stays, new Notebook());
    // In the end it is overdue, then due, then stale.
    for (const minutes of [0, 1, 5, 5, 10]) {
      await clock.advance(minutes * MINUTE_MS);
      const events = follow()[Symbol.asyncIterator]();
      expect((await events.next()).value).toEqual(viewOf(order, clock.now()));
      await events.return();
    }
    stays.leave();
  });

  it('is read for the first who follows it, and all are shown the same objects, without another read', async () => {
    const { clock, store, held, follow } = open();
    const plan = () => clock.now() + 10 * MINUTE_MS;
    const write = (upstreamStatus: string) =>
      store.record(observation({ upstreamStatus, observedAt: clock.now() }), plan);
    await write('ONE');
    const sinks = [1, 2, 3].map(() => new Notebook());
    let finds: number | undefined;
    for (const sink of sinks) {
      deliver(follow(), sink);
      await clock.advance(MINUTE_MS);
      finds ??= held.finds;
    }
    for (const status of ['TWO', 'FULFILLED']) {
      await write(status);
      await clock.advance(MINUTE_MS);
    }
    expect(sinks.map(({ lines }) => lines.length)).toEqual([4, 4, 4]);
    expect(new Set(sinks.flatMap(({ events }) => events)).size).toBe(3);
    expect(held.finds).toBe(finds);
  });

  it('is in memory while it is among the last 128 that changed or were read, and has followers', async () => {
    const { store, audiences } = open();
    const ids = Array.from({ length: 130 }, (_, nth) => `order-${nth}`);
    const member = { onRing: () => undefined };
    for (const orderId of ids) {
      await store.record(observation({ orderId }), () => null);
      await audiences.join(orderId, member).order();
    }
    const forgotten = () => ids.filter((orderId) => !audiences.isKnown(orderId));
    expect(forgotten()).toEqual(['order-0', 'order-1']);
    const settled = { orderId: 'order-0', upstreamStatus: 'FULFILLED' };
    await store.record(observation(settled), () => null);
    expect(forgotten()).toEqual(['order-1', 'order-2']);
    audiences.leave('order-9', member);
    expect(forgotten()).toEqual(['order-1', 'order-2', 'order-9']);
  });

  it('is told to be stale to whoever comes after a check that failed', async () => {
    const { clock, store, follow, write } = open();
    await write('ONE');
    const stays = follow();
    deliver(stays, new Notebook());
    await settle();
    await store.reschedule(ORDER_ID, { dueAt: clock.now() + MINUTE_MS, failures: 1 });
    const events = follow()[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ isStale: true });
    await events.return();
    stays.leave();
  });

  it('is followed anew after all its followers had left', async () => {
    const { follow, write } = open();
    await write('ONE');
    const events = follow()[Symbol.asyncIterator]();
    await events.next();
    await events.return();
    const sink = new Notebook();
    deliver(follow(1), sink);
    await settle();
    await write('FULFILLED');
    await settle();
    expect(sink.lines).toEqual(['2 FULFILLED', 'end']);
  });

  it('that may not be followed is not looked up', async () => {
    const { held, follow, write, watchers, telemetry } = open();
    await write('ONE');
    held.failWith(new Error('looked up'));
    const refused = follow(0, { refusal: new GatewayError('TOPUP_NOT_FOUND', 'No such order.') });
    expect((await Array.fromAsync(refused)).map(told)).toEqual(['TOPUP_NOT_FOUND']);
    expect([watchers(), telemetry.open]).toEqual([0, 0]);
  });

  it('costs its followers no lookup, those who may make none included', async () => {
    const { follow, write } = open();
    await write('ONE');
    const spend = () => new GatewayError('LIMIT_EXCEEDED', 'No lookup is left.');
    const account = { spend, charge: () => expect.fail('charged') };
    const lines = [new Notebook(), new Notebook()].map((sink) => {
      deliver(follow(undefined, { account }), sink);
      return sink.lines;
    });
    await settle();
    expect(lines).toEqual([['1 ONE'], ['1 ONE']]);
  });
});

describe('an order that nobody had seen', () => {
  async function billFor(until: (scene: ReturnType<typeof open>) => unknown) {
    const scene = open();
    const lookups: number[] = [];
    const spend = () => void lookups.push(1);
    const charge = (count: number) => void lookups.push(count);
    const following = scene.follow(undefined, { account: { spend, charge } });
    const sink = new Notebook();
    deliver(following, sink);
    await settle();
    await until(scene);
    await settle();
    following.leave();
    await settle();
    expect(scene.watchers()).toBe(0);
    return { lookups, lines: sink.lines };
  }

  it('costs its follower one lookup where it is found', async () => {
    expect(await billFor(({ write }) => write('ONE'))).toEqual({
      lookups: [1],
      lines: ['1 ONE', 'end'],
    });
  });

  it('costs four more where it is not, once', async () => {
    expect(await billFor(({ giveUp }) => giveUp())).toEqual({
      lookups: [1, 4],
      lines: ['TOPUP_NOT_FOUND', 'end'],
    });
  });

  it('costs four more where its follower leaves before that is known', async () => {
    expect(await billFor(() => undefined)).toEqual({ lookups: [1, 4], lines: ['end'] });
  });
});

describe('a sink', () => {
  it('gets every state in order, the first at once, and the end after the final one', async () => {
    const { follow, write, watchers, telemetry } = open();
    const sink = new Notebook();
    await write('ONE');
    deliver(follow(), sink);
    await settle();
    expect(sink.lines).toEqual(['1 ONE']);
    await write('TWO');
    await settle();
    await write('FULFILLED');
    await settle();
    expect(sink.lines).toEqual(['1 ONE', '2 TWO', '3 FULFILLED', 'end']);
    expect([watchers(), telemetry.open]).toEqual([0, 0]);
  });

  it('that goes on after a cursor gets all that came since, none twice', async () => {
    const { follow, write } = open();
    for (const status of ['ONE', 'TWO', 'THREE', 'FULFILLED']) await write(status);
    const sink = new Notebook();
    deliver(follow(1), sink);
    await settle();
    expect(sink.lines).toEqual(['2 TWO', '3 THREE', '4 FULFILLED', 'end']);
  });

  it.each([
    ['without a cursor', undefined, 'log'],
    ['with a cursor beyond the end', 9, 'log'],
    ['with a cursor of another log', 1, 'another'],
  ])('that begins %s gets the latest state alone', async (_, version, logId) => {
    const { follow, write } = open();
    for (const status of ['ONE', 'TWO', 'FULFILLED']) await write(status);
    const sink = new Notebook();
    deliver(follow(version, {}, logId), sink);
    await settle();
    expect(sink.lines).toEqual(['3 FULFILLED', 'end']);
  });

  it('is told how fresh the latest state is, and of an earlier one only when it was seen', async () => {
    const { clock, follow, write } = open();
    const first = await write('ONE');
    await clock.advance(1_000);
    await write('TWO');
    await clock.advance(1_000);
    const second = await write('TWO');
    const events = follow(0)[Symbol.asyncIterator]();
    const both = [await events.next(), await events.next()];
    expect(both.map(({ value }) => value)).toMatchObject([
      { snapshot: { version: 1 }, checkedAt: first.order.checkedAt },
      { snapshot: { version: 2 }, checkedAt: second.order.checkedAt },
    ]);
    await events.return();
  });

  it('that catches up with very many states leaves room for others in between', async () => {
    const { follow, write } = open();
    const most = 1_000;
    for (let version = 1; version <= most; version += 1) await write(`STEP-${version}`);
    const sink = new Notebook();
    const following = follow(0);
    deliver(following, sink);
    await settle();
    expect(sink.lines.length).toBeLessThan(most);
    await vi.waitUntil(() => sink.lines.length === most);
    expect(sink.lines.at(-1)).toBe(`${most} STEP-${most}`);
    following.leave();
  });

  it('that is slow loses nothing, and is told the end when it has taken the rest', async () => {
    const { follow, write } = open();
    const sink = new Notebook();
    sink.onEvent = () => {
      sink.isReady = false;
    };
    await write('ONE');
    const pump = deliver(follow(), sink);
    await settle();
    for (const status of ['TWO', 'THREE', 'FULFILLED']) await write(status);
    await settle();
    expect(sink.lines).toEqual(['1 ONE']);
    for (let taken = 0; taken < 4; taken += 1) {
      sink.isReady = true;
      pump.readOn();
      await settle();
    }
    expect(sink.lines).toEqual(['1 ONE', '2 TWO', '3 THREE', '4 FULFILLED', 'end']);
  });

  it('that is slow gets an order that nobody had seen from its first state on', async () => {
    const { follow, write } = open();
    const sink = new Notebook();
    const pump = deliver(follow(), sink);
    await settle();
    sink.isReady = false;
    for (const status of ['ONE', 'FULFILLED']) await write(status);
    sink.isReady = true;
    pump.readOn();
    await settle();
    expect(sink.lines).toEqual(['1 ONE', '2 FULFILLED', 'end']);
  });

  it('loses nothing of what is written while the log is read for it', async () => {
    const { held, follow, write } = open();
    const sink = new Notebook();
    await write('ONE');
    const letGo = held.hold({ unheld: 1 });
    const pump = deliver(follow(), sink);
    await settle();
    await write('TWO');
    // As a sink does whose client has read something meanwhile.
    pump.readOn();
    await write('FULFILLED');
    letGo();
    await settle();
    expect(sink.lines).toEqual(['1 ONE', '2 TWO', '3 FULFILLED', 'end']);
  });

  it('is not left waiting where the read that found nothing new was overtaken', async () => {
    const { held, follow, write } = open();
    const sink = new Notebook();
    await write('ONE');
    const letGo = held.hold({ unheld: 1 });
    deliver(follow(1), sink);
    await settle();
    await write('FULFILLED');
    letGo();
    await settle();
    expect(sink.lines).toEqual(['2 FULFILLED', 'end']);
  });

  it('gets what is written while it takes an event', async () => {
    const { follow, write } = open();
    const sink = new Notebook();
    await write('ONE');
    sink.onEvent = () => {
      sink.onEvent = () => undefined;
      void write('FULFILLED');
    };
    deliver(follow(), sink);
    await settle();
    expect(sink.lines).toEqual(['1 ONE', '2 FULFILLED', 'end']);
  });

  it('gets what follows a change of plan, of which the new state is not at hand', async () => {
    const { clock, store, follow, write } = open();
    const sink = new Notebook();
    await write('ONE');
    deliver(follow(), sink);
    await settle();
    await store.reschedule(ORDER_ID, { dueAt: clock.now() + 5_000, failures: 1 });
    await write('FULFILLED');
    await settle();
    expect(sink.lines).toEqual(['1 ONE', '2 FULFILLED', 'end']);
  });

  it('is told the end once when its subscriber leaves, if it still takes anything', async () => {
    const { follow, write, watchers, telemetry } = open();
    const sink = new Notebook();
    await write('ONE');
    const following = follow();
    const pump = deliver(following, sink);
    await settle();
    following.leave();
    following.leave();
    pump.readOn();
    await settle();
    expect(sink.lines).toEqual(['1 ONE', 'end']);
    expect([watchers(), telemetry.open]).toEqual([0, 0]);
  });

  it('that leaves gets nothing any more, in the middle of a read too, and leaves nothing behind', async () => {
    const { held, follow, write, watchers, telemetry } = open();
    const sink = new Notebook();
    await write('ONE');
    const letGo = held.hold({ unheld: 1 });
    const following = follow();
    deliver(following, sink);
    await settle();
    following.leave();
    letGo();
    await write('FULFILLED');
    await settle();
    expect(sink.lines).toEqual(['end']);
    expect([watchers(), telemetry.open]).toEqual([0, 0]);
  });

  it('is told that the log failed, and nothing is left behind', async () => {
    const { held, follow, write, watchers, telemetry } = open();
    const sink = new Notebook();
    await write('ONE');
    const letGo = held.hold({ unheld: 1 });
    deliver(follow(), sink);
    await settle();
    held.failWith(new Error('the disk'));
    letGo();
    await settle();
    expect(sink.lines).toEqual(['failed: the disk']);
    expect([watchers(), telemetry.open]).toEqual([0, 0]);
  });

  it('that fails itself is told so, and nothing is left behind, whenever it does', async () => {
    const { follow, write, watchers, telemetry } = open();
    await write('ONE');
    const sinks = [new Notebook(), new Notebook()];
    const fault = () => {
      throw new Error('the sink');
    };
    const [atOnce, later] = sinks;
    if (atOnce === undefined || later === undefined) throw new Error('there are two');
    atOnce.onEvent = fault;
    later.onEvent = () => {
      later.onEvent = fault;
    };
    for (const sink of sinks) deliver(follow(), sink);
    await settle();
    await write('TWO');
    await settle();
    expect(atOnce.lines).toEqual(['1 ONE', 'failed: the sink']);
    expect(later.lines).toEqual(['1 ONE', '2 TWO', 'failed: the sink']);
    expect([watchers(), telemetry.open]).toEqual([0, 0]);
  });

  it('gets no event once there is no right to it, but the reason', async () => {
    const { clock, follow, write, watchers } = open();
    const sink = new Notebook();
    await write('ONE');
    const error = () => new GatewayError('UNAUTHENTICATED', 'It is over.');
    deliver(follow(undefined, { expiry: { at: clock.now() + 1_000, error } }), sink);
    await settle();
    await clock.advance(1_000);
    await write('TWO');
    await settle();
    expect(sink.lines).toEqual(['1 ONE', 'UNAUTHENTICATED', 'end']);
    expect(watchers()).toBe(0);
  });
});
