/**
 * The gateway's own server, feed and store, on a log that the bench writes in place of the poller. So the moment of
 * each append is known, and no CPU time goes into polling.
 */
import { setImmediate } from 'node:timers/promises';
import { planner } from '../../../src/core/cadence.ts';
import type { Observation } from '../../../src/core/topup.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { serve } from '../../../test/support/serving.ts';
import { onCommand, type Publish, stampOf, tell } from '../messages.ts';
import { observationOf } from '../rows.ts';

/** The number of rows in one list of the upstream. */
const LIST_ROWS = 100;
const MANY = 1_000_000;

const plan = planner(true);
const store = await openSqliteStore({ url: `file:${process.env['LOG_DATABASE']}` });
await record(
  Array.from({ length: Number(process.env['LOG_ORDERS']) }, (_, index) => index),
  () => ({}),
);
const { url } = await serve(store, {
  limits: { connections: MANY, connectionsPerAddress: MANY },
});
tell({ kind: 'listening', port: Number(url.port) });

onCommand((command) => {
  if (command.kind === 'publish') void publish(command).then(() => tell({ kind: 'done' }));
});

/** Appends to each order, in transactions of the size that a list causes. */
function publish({ sequence, orders }: Publish): Promise<void> {
  const indexes = Array.from({ length: orders }, (_, index) => index);
  const told = () => ({ ref: stampOf(sequence), amount: 1_000 + sequence, observedAt: Date.now() });
  return record(indexes, told);
}

async function record(indexes: readonly number[], told: () => Partial<Observation>): Promise<void> {
  for (let from = 0; from < indexes.length; from += LIST_ROWS) {
    const rows = indexes.slice(from, from + LIST_ROWS);
    await store.recordAll(
      rows.map((index) => observationOf(index, told())),
      plan,
    );
    // Each list is an answer of its own, so between two of them the event loop has its turn.
    await setImmediate();
  }
}
