/** Times operations of the store itself, on a log that is there. */
import { planner } from '../../../src/core/cadence.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { onCommand, type StoreOperation, tell } from '../messages.ts';
import { idOf, observationOf, SNAPSHOTS_EACH } from '../rows.ts';

const PAGE_ROWS = 21;

const orders = Number(process.env['LOG_ORDERS']);
const store = await openSqliteStore({ url: `file:${process.env['LOG_DATABASE']}` });
const plan = planner(false);
let appended = 0;

const RUNS: Readonly<Record<StoreOperation, (turn: number) => Promise<unknown>>> = {
  topup: (turn) => store.find(scattered(turn)),
  'history page': (turn) => store.read(scattered(turn), { limit: PAGE_ROWS, from: 'oldest' }),
  resume: (turn) =>
    store.read(scattered(turn), { after: SNAPSHOTS_EACH - 1, limit: 1, from: 'oldest' }),
  append: () => {
    appended += 1;
    // An order that no run has written before.
    const orderId = idOf(Date.now() * 1_000 + appended);
    return store.record(observationOf(0, { orderId, createdAt: Date.now() }), plan);
  },
};

onCommand((command) => {
  if (command.kind !== 'time') return;
  void time(RUNS[command.operation], command.times).then((microseconds) =>
    tell({ kind: 'timed', microseconds }),
  );
});

async function time(run: (turn: number) => Promise<unknown>, times: number): Promise<number> {
  const from = performance.now();
  for (let turn = 0; turn < times; turn += 1) await run(turn);
  return ((performance.now() - from) * 1_000) / times;
}

/** All over the log, in no order: a stride that shares no factor with the number of orders. */
function scattered(turn: number): string {
  return idOf((turn * 7_919) % orders);
}

tell({ kind: 'listening', port: 0 });
