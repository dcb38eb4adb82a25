import { expect, it } from 'vitest';
import { seldomErrors } from '../../src/telemetry/seldom-errors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordingLogger } from '../support/recording-logger.ts';

it('an error that goes on is told once a minute, with how often it came', async () => {
  const [clock, recorded] = [new ManualClock(), recordingLogger()];
  const logger = seldomErrors(recorded, clock);
  const full = { error: 'StoreError', code: 'SQLITE_FULL' };
  for (let second = 0; second <= 60; second += 1) {
    // From wherever it was thrown.
    logger.error({ ...full, at: `at ${second % 3}` }, 'a request failed');
    await clock.advance(1_000);
  }
  expect(recorded.lines).toEqual([
    { level: 'error', message: 'a request failed', fields: { ...full, at: 'at 0' } },
    { level: 'error', message: 'a request failed', fields: { ...full, at: 'at 0', times: 60 } },
  ]);
});

it('no error hides another one, and what is less than an error is told each time', () => {
  const recorded = recordingLogger();
  const logger = seldomErrors(recorded, new ManualClock());
  for (const _twice of [1, 2]) {
    logger.error({ error: 'StoreError', code: 'SQLITE_FULL' }, 'a request failed');
    logger.error({ error: 'StoreError', code: 'SQLITE_IOERR' }, 'a request failed');
    logger.error({ error: 'TypeError', at: 'at one' }, 'a request failed');
    logger.error({ error: 'TypeError', at: 'at another' }, 'a request failed');
    logger.error({ error: 'StoreError', code: 'SQLITE_FULL' }, 'no note could be made');
    for (const level of ['warn', 'info', 'debug'] as const) logger[level]({}, level);
  }
  const told = recorded.lines.map(({ level }) => level);
  expect(told.filter((level) => level === 'error')).toHaveLength(5);
  expect(told.filter((level) => level !== 'error')).toHaveLength(6);
});
