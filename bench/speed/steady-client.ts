/**
 * Sends requests at a fixed rate, however fast the responses come (an open-loop client). The latency of each request
 * counts from the moment at which it is due, even if all connections are busy then. So a pause of the server counts for
 * all requests that are due during it. A client that waits for a response before the next request, as wrk does, leaves
 * those out (coordinated omission).
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { percentile } from './statistics.ts';

const { BENCH_IDS = '', BENCH_BODY = '', BENCH_TICKET = '', BENCH_URL = '' } = process.env;
const perMs = Number(process.env['BENCH_RATE']) / 1_000;
const connections = Number(process.env['BENCH_CONNECTIONS']);
const requests = Math.round(perMs * 1_000 * Number(process.env['BENCH_SECONDS']));
const ids = readFileSync(BENCH_IDS, 'utf8').trimEnd().split('\n');
const { hostname, host, port, pathname } = new URL(BENCH_URL);
const [before = '', after = ''] = BENCH_BODY.split('%ID%');
const length = Buffer.byteLength(before + ids[0] + after);
const head = [
  `POST ${pathname} HTTP/1.1`,
  `host: ${host}`,
  'content-type: application/json',
  'accept: application/json',
  ...(BENCH_TICKET === '' ? [] : [`authorization: Bearer ${BENCH_TICKET}`]),
  `content-length: ${length}`,
].join('\r\n');

/** In milliseconds, one for each response. */
const latencies: number[] = [];
const free: Connection[] = [];
let sent = 0;
let failed = 0;

/** A connection with one request at a time. */
class Connection {
  readonly #socket: Socket;
  #received = '';
  #dueAt = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.once('close', () => fail('a connection was closed'));
    socket.on('error', () => socket.destroy());
  }

  ask(id: string, dueAt: number): void {
    this.#received = '';
    this.#dueAt = dueAt;
    this.#socket.write(`${head}\r\n\r\n${before}${id}${after}`);
  }

  #take(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf('\r\n\r\n');
    const told = /^content-length: (\d+)/im.exec(this.#received)?.[1];
    if (end < 0 || told === undefined) return;
    if (this.#received.length < end + 4 + Number(told)) return;
    if (!this.#received.startsWith('HTTP/1.1 200 ')) failed += 1;
    latencies.push(performance.now() - this.#dueAt);
    free.push(this);
  }
}

for (let nth = 0; nth < connections; nth += 1) {
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  free.push(new Connection(socket));
}
const from = performance.now();
askAllDue();

/** Sends all requests that are due. Runs in every event loop turn: a timer would be up to a millisecond late. */
function askAllDue(): void {
  const now = performance.now();
  for (; sent < requests; sent += 1) {
    const dueAt = from + sent / perMs;
    const connection = dueAt <= now ? free.pop() : undefined;
    if (connection === undefined) break;
    connection.ask(ids[sent % ids.length] ?? '', dueAt);
  }
  if (latencies.length < requests) setImmediate(askAllDue);
  else finish();
}

function finish(): void {
  const microseconds = (performance.now() - from) * 1_000;
  const [p50, p99] = [50, 99].map((percent) => 1_000 * percentile(latencies, percent));
  const result = { requests, microseconds, p50, p99, failed };
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`, () => process.exit(0));
}

function fail(why: string): void {
  process.stderr.write(`${why} after ${latencies.length} answers\n`);
  process.exit(1);
}
