import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { FULL_ACCESS } from '../../src/core/access.ts';
import { NO_BASIS } from '../../src/core/basis.ts';
import { viewOf } from '../../src/core/view.ts';
import { createFeed } from '../../src/feed/feed.ts';
import type { OwnTurns } from '../../src/graphql/context.ts';
import { toPublicError } from '../../src/graphql/errors.ts';
import { Live } from '../../src/graphql/execution/live.ts';
import { Renderings } from '../../src/graphql/execution/renderings.ts';
import { schema } from '../../src/graphql/schema.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { noTelemetry } from '../support/silent.ts';

const DOCUMENT = parse('subscription ($id: ID!) { topupStatus(id: $id) { status } }');
const TOLD = '{"data":{"topupStatus":{"status":"FULFILLED"}}}';

/** Subscribers of one order with the same operation, each with turns of its own. */
async function scene() {
  const log = createMemoryStore({ logId: 'log' });
  const clock = new ManualClock();
  const watch = { watch: () => () => undefined };
  const feed = createFeed({ log, watch, clock, telemetry: noTelemetry });
  const mask = (error: unknown) => toPublicError(error, recordingLogger());
  const renderings = new Renderings({ mask, onPlanGivenUp: () => undefined });
  const { order } = await log.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
  const subscriber = (turns: OwnTurns) => {
    const contextValue = { access: FULL_ACCESS, basis: NO_BASIS, log, turns };
    const args = { schema, document: DOCUMENT, variableValues: { id: ORDER_ID }, contextValue };
    return new Live(feed.follow(ORDER_ID), args, renderings);
  };
  return { subscriber, event: viewOf(order, order.checkedAt) };
}

it('an event is rendered when it is the turn of a subscriber, and is then there for all', async () => {
  const { subscriber, event } = await scene();
  const turn = Promise.withResolvers<void>();
  const waiting = subscriber({ take: () => turn.promise });
  const late = waiting.render(event);
  expect(late).toBeInstanceOf(Promise);
  const ready = subscriber({ take: () => undefined }).render(event);
  expect(ready).toMatchObject({ data: { topupStatus: { status: 'FULFILLED' } } });
  expect(subscriber({ take: () => turn.promise }).render(event)).toBe(ready);
  turn.resolve();
  expect(await late).toBe(ready);
});

it('a subscriber that has left before its turn is told nothing', async () => {
  const { subscriber, event } = await scene();
  const turn = Promise.withResolvers<void>();
  const live = subscriber({ take: () => turn.promise });
  const late = live.render(event);
  await live.return();
  turn.resolve();
  expect(await late).toBeUndefined();
});

it('events that are pulled wait for their turn too', async () => {
  const { subscriber } = await scene();
  const turn = Promise.withResolvers<void>();
  const live = subscriber({ take: () => turn.promise });
  const pulled: string[] = [];
  const first = live.next().then(({ value }) => pulled.push(value?.stringify() ?? ''));
  await settle();
  expect(pulled).toEqual([]);
  turn.resolve();
  await first;
  expect(pulled).toEqual([TOLD]);
});
