import { describe, expect, it } from 'vitest';
import type { Observation } from '../../src/core/topup.ts';
import { CallBudget } from '../../src/poller/budget.ts';
import { Choice, type Job } from '../../src/poller/choice.ts';
import { UpstreamGate } from '../../src/poller/gate.ts';
import { ListTrust } from '../../src/poller/list-trust.ts';
import { MissingCards } from '../../src/poller/missing-cards.ts';
import { Pacer } from '../../src/poller/pace.ts';
import { Requests } from '../../src/poller/requests.ts';
import { SweepPlanner } from '../../src/poller/sweep-planner.ts';
import { Watchers } from '../../src/poller/watchers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { observation } from '../support/observations.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { noTelemetry } from '../support/silent.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const [ALONE, YOUNG, TWIN] = ['a', 'b', 'c'].map((digit) => digit.repeat(24)) as [
  string,
  string,
  string,
];

function scene() {
  const probes = { areOn: false, random: 0 };
  const clock = new ManualClock(NOW);
  const store = createMemoryStore();
  const common = { clock, random: () => 0.5, logger: recordingLogger(), telemetry: noTelemetry };
  const watchers = new Watchers(common);
  const budget = new CallBudget({ callsPerMinute: 120, clock });
  const parts = {
    store,
    schedule: store,
    clock,
    watchers,
    requests: new Requests({ gate: new UpstreamGate(), budget, clock }),
    pacer: new Pacer({ notebook: store, clock, watchers }),
    trust: new ListTrust(common),
    missingCards: new MissingCards(common),
    isBusy: () => false,
    mostBusy: () => 0,
    isProbe: () => probes.areOn,
    random: () => probes.random,
  };
  const choice = new Choice({ ...parts, sweepPlanner: new SweepPlanner(parts) });
  /** An order that was created and last checked so long ago, and is due since. */
  const add = (
    orderId: string,
    ages: { readonly createdMs: number; readonly checkedMs: number; readonly dueMs?: number },
    told: Partial<Observation> = {},
  ) => {
    const { createdMs, checkedMs, dueMs = 0 } = ages;
    const times = { createdAt: NOW - createdMs, observedAt: NOW - checkedMs };
    return store.record(observation({ orderId, ...times, ...told }), ({ latest }) =>
      latest.upstreamStatus === 'REFUNDED' ? null : NOW - dueMs,
    );
  };
  return { ...parts, probes, choice, add };
}

const many = (count: number) =>
  Array.from({ length: count }, (_, nth) => nth.toString().padStart(24, '0'));

describe('the order alone on the page that is worth most', () => {
  async function withOneAlone(dueMs: number) {
    const { choice, store, pacer, add } = scene();
    await add(ALONE, { createdMs: 700 * SECOND_MS, checkedMs: 260 * SECOND_MS, dueMs });
    for (const id of [YOUNG, TWIN]) {
      await add(id, { createdMs: 35 * SECOND_MS, checkedMs: 23 * SECOND_MS });
    }
    // More of them than a page shows, so that none shows the old order and the young ones.
    for (const [nth, id] of many(250).entries()) {
      const createdMs = 650 * SECOND_MS - nth * 2 * SECOND_MS;
      await add(id, { createdMs, checkedMs: 0 }, { upstreamStatus: 'REFUNDED' });
    }
    const [alone, young] = await Promise.all([ALONE, YOUNG].map((id) => store.find(id)));
    if (alone === undefined || young === undefined) throw new Error('not recorded');
    // Else any rule would choose the one that is alone.
    expect(pacer.worthMs(young, NOW)).toBeGreaterThan(pacer.worthMs(alone, NOW));
    return choice.forSchedule();
  }

  it('is checked, although another check is worth more: its page would stay the best for ever', async () => {
    expect(await withOneAlone(0)).toEqual({ kind: 'check', orderId: ALONE });
  });

  it('waits until it is due', async () => {
    expect(await withOneAlone(-1)).toMatchObject({ kind: 'check', orderId: YOUNG });
  });
});

describe('an order too old for the pages of young ones, on a key that is too busy for all', () => {
  /** The next dozen looks: `old` for a check of that order, `page` for a list that does not show it. */
  async function looks(dueMs: number, twinDueMs = 0) {
    const { choice, add } = scene();
    await add(ALONE, { createdMs: 25 * MINUTE_MS, checkedMs: 90 * SECOND_MS, dueMs });
    await add(TWIN, { createdMs: 25 * MINUTE_MS, checkedMs: 90 * SECOND_MS, dueMs: twinDueMs });
    for (let nth = 0; nth < 300; nth += 1) {
      const id = nth.toString(16).padStart(24, 'f');
      await add(id, { createdMs: 10 * SECOND_MS + nth * 100, checkedMs: 9 * SECOND_MS });
    }
    const chosen: string[] = [];
    for (let nth = 0; nth < 12; nth += 1) chosen.push(shown(await choice.forSchedule()));
    return chosen;
  }

  function shown(job: Job | undefined): string {
    if (job === undefined) return 'nothing';
    if (job.kind === 'check') return job.orderId === ALONE ? 'old' : 'another';
    return job.sweep.covered.some(({ orderId }) => orderId === ALONE) ? 'both' : 'page';
  }

  it('has every sixth look once it is due for long', async () => {
    const pages = Array<string>(5).fill('page');
    expect(await looks(20 * SECOND_MS)).toEqual([...pages, 'old', ...pages, 'old']);
    expect(await looks(19 * SECOND_MS)).toEqual(Array<string>(12).fill('page'));
  });

  it('has it before another one that is due for less long', async () => {
    expect((await looks(21 * SECOND_MS, 20 * SECOND_MS))[5]).toBe('old');
    expect((await looks(20 * SECOND_MS, 21 * SECOND_MS))[5]).toBe('another');
  });

  it('has it however many ids wait that lists do not show', async () => {
    const { choice, add, watchers, clock } = scene();
    await add(ALONE, { createdMs: 25 * MINUTE_MS, checkedMs: 0, dueMs: SECOND_MS });
    for (const id of many(30)) {
      watchers.add(id, () => undefined);
      watchers.expect(id);
      watchers.notListed(id);
    }
    await clock.advance(20 * SECOND_MS);
    const chosen: string[] = [];
    for (let nth = 0; nth < 12; nth += 1) chosen.push(shown(await choice.forSchedule()));
    expect(chosen.filter((each) => each === 'old')).toHaveLength(2);
  });
});

describe('without lists, an order that was sent just now', () => {
  it.each([
    ['parked', 'QUEUED'],
    ['stuck', 'HANDLING'],
  ])(
    'is found among any number of %s ones that are due for longer',
    async (_name, upstreamStatus) => {
      const { choice, trust, add } = scene();
      trust.lost('http_status');
      for (const id of many(500)) {
        const ages = { createdMs: 60 * MINUTE_MS, checkedMs: 2 * MINUTE_MS, dueMs: MINUTE_MS };
        await add(id, ages, { upstreamStatus });
      }
      await add(YOUNG, { createdMs: 30 * SECOND_MS, checkedMs: 10 * SECOND_MS });
      expect(await choice.forSchedule()).toEqual({ kind: 'check', orderId: YOUNG });
    },
  );
});

describe('a parked order that is due', () => {
  async function withNeighbour(apartMs: number) {
    const parts = scene();
    const { add, choice, trust } = parts;
    const parked = { upstreamStatus: 'QUEUED' };
    const createdMs = 20 * 60 * MINUTE_MS;
    await add(ALONE, { createdMs, checkedMs: 60 * MINUTE_MS, dueMs: 1 }, parked);
    const notDue = { checkedMs: 10 * MINUTE_MS, dueMs: -50 * MINUTE_MS };
    await add(TWIN, { createdMs: createdMs - apartMs, ...notDue }, parked);
    return { choice, trust };
  }

  it('is listed with its neighbours, which are not due and then need no check of their own', async () => {
    const { choice } = await withNeighbour(2 * MINUTE_MS);
    expect(await choice.forSchedule()).toMatchObject({
      kind: 'sweep',
      sweep: { covered: [{ orderId: ALONE }, { orderId: TWIN }] },
    });
  });

  it('is checked where no other one is near, or lists are not trusted', async () => {
    const far = await withNeighbour(10 * MINUTE_MS);
    expect(await far.choice.forSchedule()).toEqual({ kind: 'check', orderId: ALONE });
    const near = await withNeighbour(2 * MINUTE_MS);
    near.trust.lost('missing orders');
    expect(await near.choice.forSchedule()).toEqual({ kind: 'check', orderId: ALONE });
  });
});

it('without lists, an order in progress is found among any number of parked ones, be it old', async () => {
  const { choice, trust, add } = scene();
  trust.lost('http_status');
  for (const id of many(500)) {
    const ages = { createdMs: 60 * MINUTE_MS, checkedMs: 6 * MINUTE_MS, dueMs: MINUTE_MS };
    await add(id, ages, { upstreamStatus: 'QUEUED' });
  }
  await add(ALONE, { createdMs: 10 * MINUTE_MS, checkedMs: 5 * MINUTE_MS });
  expect(await choice.forSchedule()).toEqual({ kind: 'check', orderId: ALONE });
});

it('a query for an order that a list left out is answered by a check, though a list could answer others too', async () => {
  const { choice, requests, add } = scene();
  for (const id of [ALONE, YOUNG, TWIN]) {
    await add(id, { createdMs: 2 * SECOND_MS, checkedMs: SECOND_MS });
    void requests.add(id);
  }
  expect(await choice.forRequests()).toMatchObject({ kind: 'sweep' });
  requests.notListed(ALONE);
  expect(await choice.forRequests()).toEqual({ kind: 'check', orderId: ALONE });
});

describe('an order that the upstream has failed at, where lists are not trusted', () => {
  const others = many(3);

  async function withFailed({ failures, dueMs }: { failures: number; dueMs: number }) {
    const parts = scene();
    const { add, store, trust, watchers } = parts;
    trust.lost('too_large');
    await add(ALONE, { createdMs: 60 * SECOND_MS, checkedMs: 50 * SECOND_MS });
    await store.reschedule(ALONE, { dueAt: NOW - dueMs, failures });
    for (const id of others) {
      await add(id, { createdMs: 20 * SECOND_MS, checkedMs: 5 * SECOND_MS });
      watchers.add(id, () => undefined);
    }
    const looks = async (count: number) => {
      const chosen: (string | undefined)[] = [];
      for (let nth = 0; nth < count; nth += 1) {
        const job = await parts.choice.forSchedule();
        chosen.push(job?.kind === 'check' ? job.orderId : undefined);
      }
      return chosen;
    };
    return { ...parts, looks };
  }

  it('is checked after others, the later the more often it has failed: it may fail for ever', async () => {
    const once = await withFailed({ failures: 1, dueMs: 0 });
    expect(await once.looks(1)).toEqual([ALONE]);
    const often = await withFailed({ failures: 8, dueMs: 19 * SECOND_MS });
    expect(await often.looks(12)).not.toContain(ALONE);
  });

  it('has every sixth look once it is due for long', async () => {
    const { looks } = await withFailed({ failures: 8, dueMs: 20 * SECOND_MS });
    const [first] = others;
    const five = Array(5).fill(first);
    expect(await looks(12)).toEqual([...five, ALONE, ...five, ALONE]);
  });

  it('comes after others though nobody has seen it yet', async () => {
    const { clock, watchers, looks } = await withFailed({ failures: 8, dueMs: 0 });
    const unseen = (NOW / SECOND_MS - 50).toString(16).padEnd(24, '0');
    watchers.add(unseen, () => undefined);
    watchers.expect(unseen);
    expect(await looks(1)).toEqual([unseen]);
    for (let nth = 0; nth < 4; nth += 1) watchers.failed(unseen, false);
    await clock.advance(10 * SECOND_MS);
    expect([...watchers.unseenDue(clock.now())]).toMatchObject([{ orderId: unseen, failures: 4 }]);
    expect(await looks(1)).toEqual([others[0]]);
  });
});

describe('a call that tries if the upstream answers again', () => {
  const ids = many(6);

  /** Orders that are due, of which the first ones have failed, and gain most. */
  async function withFailed(failed: number) {
    const parts = scene();
    for (const [nth, id] of ids.entries()) {
      await parts.add(id, {
        createdMs: 20 * SECOND_MS,
        checkedMs: (nth < failed ? 15 : 5) * SECOND_MS,
      });
      if (nth < failed) await parts.store.reschedule(id, { dueAt: NOW, failures: 3 });
    }
    parts.probes.areOn = true;
    return parts;
  }

  it('is a list, if that gains most, and a check by turns: lists alone may fail, and checks alone', async () => {
    const { choice } = await withFailed(0);
    const kinds: (string | undefined)[] = [];
    for (let nth = 0; nth < 4; nth += 1) kinds.push((await choice.forSchedule())?.kind);
    expect(kinds).toEqual(['sweep', 'check', 'sweep', 'check']);
  });

  it('is of any of the orders that have failed least often: the others may be at fault', async () => {
    const { choice, probes, trust } = await withFailed(3);
    trust.lost('too_large');
    const chosen = new Set<Job | undefined>();
    for (probes.random = 0; probes.random < 1; probes.random += 0.1) {
      const job = await choice.forSchedule();
      chosen.add(job);
      expect(job).toMatchObject({ kind: 'check', orderId: expect.stringMatching(/[345]$/) });
    }
    const orders = [...chosen].map((job) => job?.kind === 'check' && job.orderId);
    expect(new Set(orders)).toEqual(new Set(ids.slice(3)));
  });

  it('is of one that was seen before, if it has not failed: what fails from the first look on is never seen', async () => {
    const chosen = async (failed: number) => {
      const { choice, probes, trust, watchers } = await withFailed(failed);
      trust.lost('too_large');
      probes.random = 0.99;
      watchers.add(ALONE, () => undefined);
      watchers.expect(ALONE);
      return choice.forSchedule();
    };
    expect(await chosen(6)).toEqual({ kind: 'check', orderId: ALONE });
    expect(await chosen(5)).toEqual({ kind: 'check', orderId: ids[5] });
  });
});
