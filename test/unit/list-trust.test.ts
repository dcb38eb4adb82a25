import { expect, it } from 'vitest';
import type { Order } from '../../src/core/store.ts';
import { ListTrust } from '../../src/poller/list-trust.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { observation } from '../support/observations.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { noTelemetry } from '../support/silent.ts';

const DAY_MS = 24 * 3_600_000;
/** The upstream's clock, which is right. */
const NOW = Date.UTC(2026, 0, 1);

it('the trust in lists comes back though the clock of the machine was behind at first, and then was set forward', async () => {
  const clock = new ManualClock(NOW - DAY_MS);
  const logger = recordingLogger();
  const trust = new ListTrust({ clock, logger, telemetry: noTelemetry });
  trust.verify({
    before: undefined,
    order: orderOf({ createdAt: NOW }, clock),
    appended: undefined,
  });
  clock.set(DAY_MS);
  for (let minute = 0; minute < 10; minute += 1) {
    const createdAt = NOW + minute * 60_000;
    const before = orderOf({ createdAt }, clock);
    trust.verify({ before: undefined, order: before, appended: undefined });
    const settled = { createdAt, upstreamStatus: 'FULFILLED', processedAt: createdAt + 10_000 };
    await clock.advance(11_000);
    trust.verify({ before, order: orderOf(settled, clock), appended: undefined });
    await clock.advance(49_000);
  }
  expect(logger.lines).toHaveLength(1);
  expect(trust.isTrusted).toBe(true);
});

it('it stays, once checks have shown that orders are processed long before they are shown as settled', async () => {
  const clock = new ManualClock(NOW);
  const logger = recordingLogger();
  const trust = new ListTrust({ clock, logger, telemetry: noTelemetry });
  const showEnd = async (processedMsBefore: number) => {
    const createdAt = clock.now();
    const first = orderOf({ createdAt }, clock);
    trust.verify({ before: undefined, order: first, appended: undefined });
    await clock.advance(19_000);
    const before = orderOf({ createdAt }, clock);
    const processedAt = clock.now() - processedMsBefore;
    await clock.advance(1_000);
    const settled = { createdAt, upstreamStatus: 'FULFILLED', processedAt };
    trust.verify({ before, order: orderOf(settled, clock), appended: undefined });
  };
  for (let end = 0; end < 30; end += 1) await showEnd(10_000);
  expect(logger.lines).toHaveLength(1);
  expect(trust.isTrusted).toBe(true);
  await showEnd(16_000);
  expect(trust.isTrusted).toBe(false);
});

/** Shows an order as in progress, and then its end, processed so long before it was last seen. */
function endsOf(trust: ListTrust, clock: ManualClock) {
  return async (processedMsBefore: number) => {
    const createdAt = clock.now();
    const first = orderOf({ createdAt }, clock);
    trust.verify({ before: undefined, order: first, appended: undefined });
    await clock.advance(5_000);
    const before = orderOf({ createdAt }, clock);
    const processedAt = clock.now() - processedMsBefore;
    const settled = { createdAt, upstreamStatus: 'FULFILLED', processedAt };
    await clock.advance(1_000);
    trust.verify({ before, order: orderOf(settled, clock), appended: undefined });
  };
}

it.each([
  ['one that is wrong', [[0, 3_600_000, 0]], false],
  ['several that are early', [[0, 20_000, 0, 20_000, 0]], true],
  [
    'several that are early, and the next time none',
    [
      [20_000, 20_000],
      [0, 0],
    ],
    false,
  ],
])(
  'it is lost over late orders, or not, after checks have shown times of processing: %s',
  async (_, shown, isTrusted) => {
    const clock = new ManualClock(NOW);
    const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
    const showEnd = endsOf(trust, clock);
    await showEnd(0);
    for (const times of shown) {
      trust.lost('too_large');
      await clock.advance(20_000);
      for (const processedMsBefore of times) await showEnd(processedMsBefore);
      await clock.advance(120_000);
      expect(trust.isTrusted).toBe(true);
    }
    await showEnd(16_000);
    expect(trust.isTrusted).toBe(isTrusted);
  },
);

it('it is lost over late orders though others looked as late, which the last lists may have shown', async () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  const showEnd = endsOf(trust, clock);
  trust.lost('stale rows');
  for (const late of [20_000, 20_000]) await showEnd(late);
  await clock.advance(60_000);
  await showEnd(20_000);
  expect(trust.isTrusted).toBe(false);
});

it('the end of the distrust is told once, with the first list that shows all that it should', async () => {
  const clock = new ManualClock(NOW);
  const logger = recordingLogger();
  const trust = new ListTrust({ clock, logger, telemetry: noTelemetry });
  trust.proved();
  trust.lost('timeout');
  // It was asked for before.
  trust.proved();
  await clock.advance(60_000);
  for (let list = 0; list < 3; list += 1) trust.proved();
  expect(logger.lines).toMatchObject([
    { level: 'warn', fields: { waitSeconds: 60 } },
    { level: 'info', message: expect.stringContaining('sweeps are on again') },
  ]);
});

it('lists that were in flight together, and failed one after the other, count as one failure', async () => {
  const clock = new ManualClock(NOW);
  const logger = recordingLogger();
  const counted: string[] = [];
  const sweepsStopped = (reason: string) => void counted.push(reason);
  const trust = new ListTrust({ clock, logger, telemetry: { ...noTelemetry, sweepsStopped } });
  for (let list = 0; list < 4; list += 1) {
    trust.lost('timeout');
    const shown = orderOf({ createdAt: clock.now() }, clock);
    trust.verify({ before: undefined, order: shown, appended: undefined });
    await clock.advance(5_000);
  }
  await clock.advance(40_000);
  expect(trust.isTrusted).toBe(true);
  expect(logger.lines).toHaveLength(1);
  expect(counted).toEqual(['timeout']);
});

it.each([
  ['network', { tolerated: 1, waitSeconds: 10 }],
  ['http_status', { tolerated: 1, waitSeconds: 10 }],
  ['timeout', { tolerated: 1, waitSeconds: 60 }],
  ['slow', { tolerated: 2, waitSeconds: 60 }],
  ['unreadable', { tolerated: 1, waitSeconds: 10 }],
  ['too_large', { tolerated: 0, waitSeconds: 60 }],
  ['forbidden', { tolerated: 0, waitSeconds: 1_800 }],
])('it is lost over several lists that fail in a row, for a while (%s)', (reason, expected) => {
  const clock = new ManualClock(NOW);
  const logger = recordingLogger();
  const trust = new ListTrust({ clock, logger, telemetry: noTelemetry });
  for (let list = 0; list < expected.tolerated; list += 1) {
    trust.failed(reason, trust.failuresInRow);
    expect(trust.isTrusted).toBe(true);
  }
  trust.failed(reason, trust.failuresInRow);
  expect(trust.isTrusted).toBe(false);
  const { waitSeconds } = expected;
  expect(logger.lines).toMatchObject([{ fields: { reason, waitSeconds } }]);
});

it('it is not lost over orders that look late because the list that showed them took long', async () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  const showEndAfterSlowList = async (listMs: number) => {
    const createdAt = clock.now();
    trust.verify({ before: undefined, order: orderOf({ createdAt }, clock), appended: undefined });
    const askedAt = clock.now();
    await clock.advance(listMs);
    trust.answered(askedAt);
    // One that was quick, beside it.
    trust.answered(clock.now());
    const before = orderOf({ createdAt }, clock);
    const settled = { createdAt, upstreamStatus: 'FULFILLED', processedAt: askedAt + 1 };
    trust.verify({ before, order: orderOf(settled, clock), appended: undefined });
  };
  await showEndAfterSlowList(8_000);
  expect(trust.isTrusted).toBe(true);
  // The clock was set forward while one was on its way.
  trust.answered(clock.now() - DAY_MS);
  for (let list = 0; list < 30; list += 1) trust.answered(clock.now());
  const [createdAt, processedAt] = [clock.now(), clock.now() + 1];
  await clock.advance(8_000);
  const before = orderOf({ createdAt }, clock);
  const settled = { createdAt, upstreamStatus: 'FULFILLED', processedAt };
  trust.verify({ before, order: orderOf(settled, clock), appended: undefined });
  expect(trust.isTrusted).toBe(false);
});

it('it is not lost over lists that fail now and then', () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  for (let list = 0; list < 3; list += 1) {
    trust.failed('network', trust.failuresInRow);
    trust.answered(clock.now());
  }
  expect(trust.isTrusted).toBe(true);
});

it('it is not lost over several lists that were in flight when one connection dropped', () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  const before = trust.failuresInRow;
  for (let list = 0; list < 3; list += 1) trust.failed('network', before);
  expect(trust.isTrusted).toBe(true);
  trust.failed('network', trust.failuresInRow);
  expect(trust.isTrusted).toBe(false);
  // One that was asked for first, and is given up last.
  trust.failed('network', before);
  expect(trust.failuresInRow).toBe(2);
});

it('it is lost for twice as long each time, up to half an hour, while other calls show orders', async () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  const minutes: number[] = [];
  for (let fault = 0; fault < 8; fault += 1) {
    trust.lost('missing orders');
    const from = clock.steady();
    while (!trust.isTrusted) await clock.advance(60_000);
    minutes.push((clock.steady() - from) / 60_000);
    const order = orderOf({ createdAt: null }, clock);
    trust.verify({ before: undefined, order, appended: undefined });
  }
  expect(minutes).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
});

it.each([
  ['QUEUED', 'FULFILLED'],
  ['FULFILLED', 'FULFILLED'],
  ['HANDLING', 'VERIFYING'],
])(
  'it is not lost over an order that was %s, and is %s long after it was processed',
  async (statusBefore, status) => {
    const clock = new ManualClock(NOW);
    const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
    const fresh = orderOf({ createdAt: NOW }, clock);
    trust.verify({ before: undefined, order: fresh, appended: undefined });
    await clock.advance(60_000);
    const before = orderOf({ createdAt: NOW, upstreamStatus: statusBefore }, clock);
    const processedAt = NOW + 30_000;
    const order = orderOf({ createdAt: NOW, upstreamStatus: status, processedAt }, clock);
    trust.verify({ before, order, appended: undefined });
    expect(trust.isTrusted).toBe(true);
  },
);

it('it is not lost over an order of which nobody says when it was processed, such as a refunded one', async () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  const before = orderOf({ createdAt: NOW }, clock);
  trust.verify({ before: undefined, order: before, appended: undefined });
  await clock.advance(10_000);
  const order = orderOf({ createdAt: NOW, upstreamStatus: 'REFUNDED' }, clock);
  trust.verify({ before, order, appended: undefined });
  expect(trust.isTrusted).toBe(true);
});

it('it is lost for no longer than before while no call shows an order, since checks would do no better', async () => {
  const clock = new ManualClock(NOW);
  const logger = recordingLogger();
  const trust = new ListTrust({ clock, logger, telemetry: noTelemetry });
  for (let fault = 0; fault < 3; fault += 1) {
    trust.lost('timeout');
    await clock.advance(60_000);
    expect(trust.isTrusted).toBe(true);
  }
  expect(logger.lines.map(({ fields }) => fields['waitSeconds'])).toEqual([60, 60, 60]);
});

it('it is to be confirmed by a check a second after five ends that lists should have shown, or after 15 s', async () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  trust.confirmation.expected(3);
  expect(trust.confirmation.isDue).toBe(false);
  trust.confirmation.expected(2);
  expect(trust.confirmation.isDue).toBe(true);
  trust.confirmation.checking();
  trust.confirmation.expected(1);
  await clock.advance(999);
  expect(trust.confirmation.isDue).toBe(false);
  await clock.advance(1);
  expect(trust.confirmation.isDue).toBe(true);
  trust.confirmation.checking();
  await clock.advance(5_000);
  // On a key of few calls, a list comes next.
  expect(trust.confirmation.isDue).toBe(false);
  trust.confirmation.confirmed();
  trust.confirmation.expected(1);
  await clock.advance(14_999);
  expect(trust.confirmation.isDue).toBe(false);
  await clock.advance(1);
  expect(trust.confirmation.isDue).toBe(true);
});

it('it is lost over orders that lists leave out one by one, if these are more than five within a minute', async () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  const leaveOut = (orderId: string) => {
    trust.leftOut([orderId], 20);
    return trust.isTrusted;
  };
  for (let n = 0; n < 20; n += 1) {
    expect(leaveOut(`${n}`)).toBe(true);
    await clock.advance(12_500);
  }
  expect(trust.leavesOut('0')).toBe(true);
  trust.shown('0');
  expect(trust.leavesOut('0')).toBe(false);
  expect([leaveOut('a'), leaveOut('b')]).toEqual([true, false]);
  await clock.advance(30 * 60_000);
  expect(trust.leavesOut('19')).toBe(false);
});

it.each([
  ['one of two', { count: 1, all: 2, isTrusted: true }],
  ['the only one', { count: 1, all: 1, isTrusted: false }],
  ['an eighth of many', { count: 2, all: 16, isTrusted: true }],
  ['more than an eighth', { count: 2, all: 15, isTrusted: false }],
])('it is lost, or not, over a list that leaves out %s', (_, { count, all, isTrusted }) => {
  const logger = recordingLogger();
  const counted: number[] = [];
  const telemetry = {
    ...noTelemetry,
    ordersLeftOut: (orders: number) => void counted.push(orders),
  };
  const trust = new ListTrust({ clock: new ManualClock(NOW), logger, telemetry });
  const orderIds = Array.from({ length: count }, (_each, nth) => `${nth}`);
  trust.leftOut(orderIds, all);
  expect(trust.isTrusted).toBe(isTrusted);
  expect(orderIds.map((orderId) => trust.leavesOut(orderId))).toEqual(
    orderIds.map(() => isTrusted),
  );
  const told = isTrusted ? { level: 'info', fields: { orders: count } } : { level: 'warn' };
  expect(logger.lines).toMatchObject([told]);
  expect(counted).toEqual(isTrusted ? [count] : []);
});

it('it needs no check to confirm it, however long ago a list showed an end, as long as none has shown no end since', async () => {
  const clock = new ManualClock(NOW);
  const trust = new ListTrust({ clock, logger: recordingLogger(), telemetry: noTelemetry });
  await clock.advance(60_000);
  expect(trust.confirmation.isDue).toBe(false);
  trust.confirmation.expected(1);
  trust.confirmation.confirmed();
  await clock.advance(60_000);
  expect(trust.confirmation.isDue).toBe(false);
});

function orderOf(told: Parameters<typeof observation>[0], clock: ManualClock): Order {
  const now = clock.now();
  return {
    latest: { ...observation({ ...told, observedAt: now }), version: 1 },
    statusSince: now,
    trackedSince: now,
    checkedAt: now,
    dueAt: now + 1_000,
    failures: 0,
  };
}
