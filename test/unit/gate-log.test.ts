import { expect, it } from 'vitest';
import type { CheckAnswer } from '../../src/upstream/answer.ts';
import { ORDER_ID } from '../support/observations.ts';
import { startPolling } from '../support/polling.ts';
import { observed } from '../support/scripted-client.ts';

const FAILED: CheckAnswer = { kind: 'failed', reason: 'http_status', httpStatus: 503 };
const THROTTLED: CheckAnswer = { kind: 'throttled', retryAfterMs: undefined };

it('an outage is one warning with its cause, however often calls are tried in it, and one line when it is over', async () => {
  const { clock, client, poller, logger } = await startPolling();
  void poller.lookup(ORDER_ID);
  await clock.advance(5_000);
  const lines = () =>
    logger.lines.flatMap(({ level, message, fields }) =>
      level === 'debug' || message === 'snapshot' ? [] : [{ level, message, fields }],
    );
  expect(lines()).toEqual([]);
  client.answer(() => FAILED);
  const before = client.calls.length;
  await clock.advance(10 * 60_000);
  expect(client.calls.length - before).toBeGreaterThan(10);
  const outage = {
    level: 'warn',
    message: expect.stringMatching(/^OneClickDz fails/),
    fields: { reason: 'http_status', httpStatus: 503, code: undefined, waitSeconds: 2 },
  };
  expect(lines()).toEqual([outage]);
  client.answer(() => THROTTLED);
  await clock.advance(2 * 60_000);
  const slower = {
    level: 'warn',
    message: expect.stringMatching(/^OneClickDz asked us to slow down/),
    fields: { callsPerMinute: 5, waitSeconds: 15 },
  };
  expect(lines()).toEqual([outage, slower]);
  client.answer((id, at) => observed(id, at));
  await clock.advance(2 * 60_000);
  expect(lines()).toEqual([
    outage,
    slower,
    {
      level: 'info',
      message: 'OneClickDz answers again',
      fields: { afterSeconds: expect.any(Number) },
    },
  ]);
});
