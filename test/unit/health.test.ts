import { describe, expect, it } from 'vitest';
import type { GatewayStatus } from '../../src/core/gateway-status.ts';
import type { UpstreamState } from '../../src/core/upstream-status.ts';
import { Health } from '../../src/transports/http/health.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordingLogger } from '../support/recording-logger.ts';

interface Told {
  readonly state?: UpstreamState;
  readonly canRecord?: boolean;
  readonly isLogInPlace?: boolean;
}

function statusOf(told: Told): GatewayStatus {
  const { state = 'SERVING', canRecord = true, isLogInPlace = true } = told;
  const upstream = {
    state,
    resumesAt: state === 'SERVING' || state === 'PROVING' ? null : 0,
    limitPerMinute: 120,
    callsPerMinute: 120,
    usedInLastMinute: 0,
    budgetLeft: 1,
    usesLists: true,
  };
  return {
    simulated: false,
    upstream,
    canRecord,
    isLogInPlace,
    census: { tracked: { HANDLING: 0, QUEUED: 0, UNKNOWN: 0 }, overdue: 0, abandoned: 0 },
    scheduleDelayMs: 0,
    subscriptions: 0,
    startedAt: 0,
    logId: 'log',
  };
}

function healthOf(gatewayStatus: () => GatewayStatus) {
  const [clock, logger] = [new ManualClock(), recordingLogger()];
  const status = { gatewayStatus: async () => gatewayStatus() };
  return { clock, logger, health: new Health({ status, clock, logger }) };
}

function ask(told: Told, draining = false) {
  return healthOf(() => statusOf(told)).health.readiness({ draining });
}

describe('a gateway is ready', () => {
  it.each<[UpstreamState, readonly string[]]>([
    ['SERVING', []],
    ['PROVING', []],
    ['THROTTLED', ['OneClickDz asked for fewer calls; no calls until 1970-01-01T00:00:00.000Z']],
    ['FAILING', ['OneClickDz fails; no calls until 1970-01-01T00:00:00.000Z']],
  ])('while the log answers: %s', async (state, problems) => {
    expect(await ask({ state })).toEqual({ ready: true, problems });
  });
});

describe('a gateway is not ready', () => {
  it.each<[string, Told, RegExp]>([
    ['whose key is refused', { state: 'REFUSED' }, /^OneClickDz refuses the API key or this/],
    ['whose log cannot be written', { canRecord: false }, /^the snapshot log cannot be written$/],
    ['whose log has lost its file', { isLogInPlace: false }, /deleted or replaced; restart/],
  ])('%s', async (_name, told, problem) => {
    expect(await ask(told)).toEqual({ ready: false, problems: [expect.stringMatching(problem)] });
  });

  it('that shuts down', async () => {
    expect(await ask({}, true)).toEqual({ ready: false, problems: ['shutting down'] });
  });

  it('whose log cannot be read: told once, however often it is asked, and once when it is over', async () => {
    let isTorn = true;
    const { clock, logger, health } = healthOf(() => {
      if (isTorn) throw new Error('the disk');
      return statusOf({});
    });
    const probe = async () => {
      await clock.advance(10_000);
      return health.readiness({ draining: false });
    };
    const problems = ['the snapshot log does not answer'];
    for (let probes = 0; probes < 6; probes += 1) {
      expect(await probe()).toEqual({ ready: false, problems });
    }
    isTorn = false;
    for (let probes = 0; probes < 2; probes += 1) {
      expect(await probe()).toEqual({ ready: true, problems: [] });
    }
    isTorn = true;
    await probe();
    const told = logger.lines.filter(({ level }) => level !== 'debug');
    expect(told).toMatchObject([
      { level: 'error', message: 'the snapshot log does not answer' },
      { level: 'info', message: 'the snapshot log answers again', fields: { afterSeconds: 60 } },
      { level: 'error', message: 'the snapshot log does not answer' },
    ]);
  });
});
