/** Queries a contestant for many ids from the client's core, as fast as it answers or at a given rate. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DATA, HTTP_CLIENT, STEADY_CLIENT, WRK_SCRIPT } from './paths.ts';
import { CLIENT_CORE, isInstalled, pinned } from './pinned.ts';
import { QUERY } from './rows.ts';

/** The number of keep-alive connections, with one request at a time on each: no pipelining. */
export const CONNECTIONS = 64;

const hasWrk = isInstalled('wrk');

/** The client's name in the results. */
export const CLIENT = hasWrk ? 'wrk, 1 thread' : 'a node:http client (wrk is not installed)';

export interface Load {
  readonly url: string;
  readonly ids: readonly string[];
  readonly seconds: number;
  readonly ticket?: string | undefined;
  /** `QUERY` by default; its variable is `$id`. */
  readonly query?: string;
  /** Requests per second; by default as many as are answered. */
  readonly rate?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function load(asked: Load): Promise<LoadResult> {
  const { url, ids, seconds, ticket = '', query = QUERY, rate } = asked;
  const idFile = join(DATA, 'ids.txt');
  writeFileSync(idFile, `${ids.join('\n')}\n`);
  const [first, ...rest] = pinned(CLIENT_CORE, clientFor(asked));
  const child = spawn(first, rest, {
    env: {
      PATH: process.env['PATH'],
      BENCH_IDS: idFile,
      BENCH_BODY: JSON.stringify({ query, variables: { id: '%ID%' } }),
      BENCH_TICKET: ticket,
      BENCH_URL: url,
      BENCH_CONNECTIONS: String(CONNECTIONS),
      BENCH_SECONDS: String(seconds),
      BENCH_RATE: String(rate),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return read(output, url);
}

function clientFor({ url, seconds, rate }: Load): readonly string[] {
  if (rate !== undefined) return [process.execPath, STEADY_CLIENT];
  return hasWrk
    ? ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '10s', '-s', WRK_SCRIPT, url]
    : [process.execPath, HTTP_CLIENT];
}

function read(output: string, url: string): LoadResult {
  const line = /RESULT (\{.*\})/.exec(output)?.[1];
  if (line === undefined) throw new Error(`the client says nothing of ${url}:\n${output}`);
  const { requests, microseconds, p50, p99, failed } = JSON.parse(line);
  if (failed > 0) throw new Error(`${url}: ${failed} of ${requests} requests failed`);
  return {
    requests,
    perSecond: requests / (microseconds / 1_000_000),
    p50Ms: p50 / 1_000,
    p99Ms: p99 / 1_000,
  };
}
