/**
 * A process of its own that appends to one order of a database: `appender.ts <url> <name> <count>`. Says
 * `ready` before it opens anything and waits for a message, so that several can be let go at once.
 */
import { once } from 'node:events';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { inOneSecond, observed } from '../store/observations.ts';

const [url = '', name = '', count = '0'] = process.argv.slice(2);

process.send?.('ready');
await once(process, 'message');

const store = await openSqliteStore({ url });
for (let nth = 1; nth <= Number(count); nth += 1) {
  await store.record(observed({ ref: `${name}-${nth}` }), inOneSecond);
}
await store.close();

process.send?.({ logId: store.logId });
process.disconnect?.();
