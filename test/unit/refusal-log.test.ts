import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { createGuard } from '../../src/limits/guard.ts';
import { DEFAULT_LIMITS } from '../../src/limits/limits.ts';
import { proxyHint } from '../../src/limits/proxy-hint.ts';
import { refusalLog } from '../../src/limits/refusal-log.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const TEN_MINUTES_MS = 600_000;

it('the log tells of each limit once in ten minutes, and how often it was met', async () => {
  const [clock, logger] = [new ManualClock(), recordingLogger()];
  const tell = refusalLog(clock, logger);
  for (let nth = 0; nth < 1_000; nth += 1) tell('connections_per_address');
  tell('cost');
  await clock.advance(TEN_MINUTES_MS);
  tell('connections_per_address');
  expect(logger.lines.map(({ level, fields }) => ({ level, ...fields }))).toEqual([
    { level: 'warn', limit: 'connections_per_address', times: 1 },
    { level: 'warn', limit: 'cost', times: 1 },
    { level: 'warn', limit: 'connections_per_address', times: 1_000 },
  ]);
});

it('a proxy that the gateway was not told of is warned of once', () => {
  const logger = recordingLogger();
  const see = proxyHint({ trustedProxies: 0 }, logger);
  see({ headers: {} });
  expect(logger.lines).toEqual([]);
  see({ headers: { 'x-forwarded-for': '10.0.0.1' } });
  see({ headers: { 'x-forwarded-for': '10.0.0.2' } });
  expect(logger.lines).toMatchObject([{ level: 'warn', message: /TRUST_PROXY/ }]);
});

it('a proxy that the gateway was told of is not', () => {
  const logger = recordingLogger();
  proxyHint({ trustedProxies: 1 }, logger)({ headers: { 'x-forwarded-for': '10.0.0.1' } });
  expect(logger.lines).toEqual([]);
});

it('a guard looks out for such a proxy wherever it tells an address', () => {
  const logger = recordingLogger();
  const clock = new ManualClock();
  const guard = createGuard({ limits: DEFAULT_LIMITS, clock, logger, onRefused: () => undefined });
  const request = new IncomingMessage(new Socket());
  guard.addressOf(request);
  expect(logger.lines).toEqual([]);
  request.headers['x-forwarded-for'] = '10.0.0.1';
  guard.addressOf(request);
  expect(logger.lines).toMatchObject([{ level: 'warn', message: /TRUST_PROXY/ }]);
});
