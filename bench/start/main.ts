/**
 * `npm run bench:start`: from the start of the process to its first answer, and its memory at rest, with an existing
 * database. Linux only: CPU time and memory are read off `/proc`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const STARTS = 11;
const AT_REST_AFTER_MS = 2_000;
const ROOT = new URL('../..', import.meta.url).pathname;
/** Of the kernel's clock that CPU time is counted in. */
const TICK_MS = 10;

interface Contestant {
  readonly name: string;
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
}

interface Start {
  readonly answerMs: number;
  readonly cpuMs: number;
  readonly megabytes: number;
}

const folder = mkdtempSync(join(tmpdir(), 'topup-gateway-bench-'));
const contestants: readonly Contestant[] = [
  { name: 'one file, as `npm start` runs it', script: 'src/main.js', environment: {} },
  {
    name: 'the sources, with a compile cache',
    script: 'src/run.ts',
    environment: { NODE_COMPILE_CACHE: join(folder, 'compiled') },
  },
];
try {
  const starts = new Map<Contestant, Start[]>(contestants.map((each) => [each, []]));
  // The first two make the database and the caches.
  for (let nth = -2; nth < STARTS; nth += 1) {
    for (const contestant of contestants) {
      const measured = await start(contestant);
      if (nth >= 0) starts.get(contestant)?.push(measured);
    }
  }
  write([...starts].map(([{ name }, measured]) => row(name, measured)));
} finally {
  rmSync(folder, { recursive: true });
}

async function start({ script, environment }: Contestant): Promise<Start> {
  const port = await freePort();
  const from = performance.now();
  const child = spawn(process.execPath, [script], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      PORT: `${port}`,
      DATABASE_URL: `file:${join(folder, 'gateway.db')}`,
      LOG_LEVEL: 'silent',
      ...environment,
    },
    stdio: 'inherit',
  });
  const ended = once(child, 'exit');
  await firstAnswer(child, `http://127.0.0.1:${port}/graphql`);
  const answered = { answerMs: performance.now() - from, cpuMs: cpuMsOf(child) };
  await setTimeout(AT_REST_AFTER_MS);
  const megabytes = megabytesOf(child);
  child.kill('SIGTERM');
  await ended;
  return { ...answered, megabytes };
}

async function firstAnswer(child: ChildProcess, url: string): Promise<void> {
  const query = encodeURIComponent('{ topup(id: "6901616fe9e88196b4eb64b2") { status } }');
  while (child.exitCode === null) {
    try {
      const answer = await fetch(`${url}?query=${query}`);
      await answer.text();
      return;
    } catch {
      await setTimeout(5);
    }
  }
  throw new Error(`the gateway ended with ${child.exitCode}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function cpuMsOf({ pid }: ChildProcess): number {
  // After the name, which may hold blanks: fields 14 and 15 are the time in user and in system mode.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function megabytesOf({ pid }: ChildProcess): number {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1_024) / 1_000_000;
}

function row(name: string, starts: readonly Start[]): string {
  const column = (key: keyof Start) => {
    const sorted = starts.map((each) => each[key]).toSorted((a, b) => a - b);
    const [least, median, most] = [0, Math.floor(sorted.length / 2), sorted.length - 1].map(
      (index) => (sorted[index] ?? Number.NaN).toFixed(0),
    );
    return `${median} (${least}–${most})`;
  };
  return `| ${name} | ${column('answerMs')} | ${column('cpuMs')} | ${column('megabytes')} |`;
}

function write(rows: readonly string[]): void {
  const text = `# From the start to the first answer

\`npm run bench:start\`, on ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.versions.node}. Median of ${STARTS} starts by turns (least–most), with
an existing database. Memory is the resident set, ${AT_REST_AFTER_MS / 1_000} s after the first answer.

| What runs | First answer after, ms | CPU time until then, ms | Memory at rest, MB |
|---|---:|---:|---:|
${rows.join('\n')}
`;
  process.stdout.write(text);
  const results = new URL('../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('start.md', results), text);
}
