/** `npm run bench`: compares the gateway with bare servers and with its peers, all in one run. */
import { mkdirSync } from 'node:fs';
import { machine } from './machine.ts';
import { DATA } from './paths.ts';
import { endAllWithBench } from './pinned.ts';
import { tables } from './report.ts';
import type { Scenario, ScenarioName } from './result.ts';
import { keep } from './results.ts';
import { burst } from './scenarios/burst.ts';
import { cached } from './scenarios/cached.ts';
import { delivery } from './scenarios/delivery.ts';
import { fanOut } from './scenarios/fan-out.ts';
import { idle } from './scenarios/idle.ts';
import { ownOrders } from './scenarios/own-orders.ts';
import { startup } from './scenarios/startup.ts';
import { uncached } from './scenarios/uncached.ts';
import { selectionFrom } from './selection.ts';

const RUNS: Readonly<Record<ScenarioName, Scenario>> = {
  cached,
  uncached,
  burst,
  'fan-out': fanOut,
  'own-orders': ownOrders,
  idle,
  delivery,
  startup,
};

const { scenarios, rounds, seconds, isKept } = selectionFrom(process.argv.slice(2));
endAllWithBench();
mkdirSync(DATA, { recursive: true });
for (const name of scenarios) {
  const measuring = { rounds, seconds, say: (line: string) => say(`${name}: ${line}`) };
  const result = await RUNS[name](measuring);
  say('', ...tables(result), '');
  if (isKept) keep({ result, rounds, seconds, machine: machine() });
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
