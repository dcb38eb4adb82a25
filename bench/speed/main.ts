/** `npm run bench`: the gateway beside the bare machine and its peers, all in one run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATA, RESULTS } from './paths.ts';
import { endAllWithBench } from './pinned.ts';
import { plot } from './plot.ts';
import { report, tables } from './report.ts';
import type { Result, Scenario, ScenarioName } from './result.ts';
import { burst } from './scenarios/burst.ts';
import { cached } from './scenarios/cached.ts';
import { delivery } from './scenarios/delivery.ts';
import { fanOut } from './scenarios/fan-out.ts';
import { idle } from './scenarios/idle.ts';
import { ownOrders } from './scenarios/own-orders.ts';
import { scale } from './scenarios/scale.ts';
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
  scale,
  startup,
};

const { scenarios, rounds, seconds, isComplete } = selectionFrom(process.argv.slice(2));
endAllWithBench();
mkdirSync(DATA, { recursive: true });
const results: Result[] = [];
for (const name of scenarios) {
  const measuring = { rounds, seconds, say: (line: string) => say(`${name}: ${line}`) };
  const result = await RUNS[name](measuring);
  say('', ...tables(result), '');
  results.push(result);
}
if (isComplete) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'speed.md'), report({ results, rounds, seconds }));
  writeFileSync(join(RESULTS, 'speed.svg'), plot(results));
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
