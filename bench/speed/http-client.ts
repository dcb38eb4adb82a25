/** Replaces wrk where it is not installed: the same number of connections, one request at a time on each. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { percentile } from './statistics.ts';

const { BENCH_IDS = '', BENCH_BODY = '', BENCH_TICKET = '', BENCH_URL = '' } = process.env;
const connections = Number(process.env['BENCH_CONNECTIONS']);
const seconds = Number(process.env['BENCH_SECONDS']);
const ids = readFileSync(BENCH_IDS, 'utf8').trimEnd().split('\n');
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const latencies: number[] = [];
let failed = 0;
let place = 0;

function ask(): Promise<void> {
  const body = BENCH_BODY.replace('%ID%', ids[place % ids.length] ?? '');
  place += 1;
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(BENCH_TICKET === '' ? {} : { authorization: `Bearer ${BENCH_TICKET}` }),
  };
  return new Promise((resolve) => {
    const fail = () => {
      failed += 1;
      resolve();
    };
    request(BENCH_URL, { method: 'POST', agent, headers }, (response) => {
      text(response).then(() => {
        if (response.statusCode !== 200) failed += 1;
        resolve();
      }, fail);
    })
      .on('error', fail)
      .end(body);
  });
}

const from = performance.now();
const until = from + seconds * 1_000;
await Promise.all(
  Array.from({ length: connections }, async () => {
    for (let at = performance.now(); at < until; at = performance.now()) {
      await ask();
      latencies.push((performance.now() - at) * 1_000);
    }
  }),
);
const result = {
  requests: latencies.length,
  microseconds: (performance.now() - from) * 1_000,
  p50: percentile(latencies, 50),
  p99: percentile(latencies, 99),
  failed,
};
process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);
agent.destroy();
