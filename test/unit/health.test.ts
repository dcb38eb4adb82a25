import { describe, expect, it } from 'vitest';
import type { GatewayStatus } from '../../src/core/gateway-status.ts';
import type { UpstreamState } from '../../src/core/upstream-status.ts';
import { readiness } from '../../src/transports/http/health.ts';
import { recordingLogger } from '../support/recording-logger.ts';

interface Told {
  readonly state?: UpstreamState;
  readonly canRecord?: boolean;
}

function ask({ state = 'SERVING', canRecord = true }: Told, draining = false) {
  const upstream = {
    state,
    resumesAt: state === 'SERVING' || state === 'PROVING' ? null : 0,
    limitPerMinute: 120,
    callsPerMinute: 120,
    usedInLastMinute: 0,
    budgetLeft: 1,
    usesLists: true,
  };
  const status: GatewayStatus = {
    simulated: false,
    upstream,
    canRecord,
    census: { tracked: { HANDLING: 0, QUEUED: 0, UNKNOWN: 0 }, overdue: 0, abandoned: 0 },
    scheduleDelayMs: 0,
    subscriptions: 0,
    startedAt: 0,
    logId: 'log',
  };
  return readiness({ gatewayStatus: async () => status }, { draining, logger: recordingLogger() });
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
  ])('%s', async (_name, told, problem) => {
    expect(await ask(told)).toEqual({ ready: false, problems: [expect.stringMatching(problem)] });
  });

  it('that shuts down, or whose log cannot be read', async () => {
    expect(await ask({}, true)).toEqual({ ready: false, problems: ['shutting down'] });
    const failing = { gatewayStatus: () => Promise.reject(new Error('the disk')) };
    const logger = recordingLogger();
    expect(await readiness(failing, { draining: false, logger })).toEqual({
      ready: false,
      problems: ['the snapshot log does not answer'],
    });
    expect(logger.lines).toMatchObject([{ level: 'error', message: /^not ready/ }]);
  });
});
