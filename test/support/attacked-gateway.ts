import { Agent, request } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fulfilledAtOnce } from '../../src/simulator/life.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { type GatewayOverSimulator, startGatewayOverSimulator } from './gateway-over-simulator.ts';
import type { GatewayProcess } from './gateway-process.ts';
import { INSPECTABLE, InspectedMemory } from './inspected-memory.ts';
import { bearer, type Claims, SECRET } from './tickets.ts';

/** How long other clients may have to wait for a response during an attack. */
const SERVES_OTHERS_WITHIN_MS = 1_000;
/** How much memory the gateway may use after an attack, as a multiple of its use before the first attack. */
const MEMORY_RETURNS_TO = 1.2;
/** The time between two requests of an uninvolved client. */
const ASKS_EVERY_MS = 50;

const TICKET_SECONDS = 600;
const ISSUER = 'shop';
const AUDIENCE = 'gateway';

/**
 * The attackers' address: a loopback address other than that of the clients that must still be served. macOS has no
 * second loopback address by default.
 */
export const ELSEWHERE = process.platform === 'darwin' ? '127.0.0.1' : '127.0.0.2';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The codes of the errors in a GraphQL response; empty for any other. */
  readonly codes: readonly string[];
}

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  /** Whether to disconnect if the response is an event stream, which may never end. */
  readonly leavesStream?: boolean;
}

type Attack = (target: AttackedGateway) => Promise<unknown>;

/** A gateway process as users start it, with tickets required, and the means to attack it. */
export class AttackedGateway implements AsyncDisposable {
  readonly #stack: GatewayOverSimulator;
  readonly #memory: InspectedMemory;
  readonly #bystanders = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #attackers = new Agent({ keepAlive: true, maxSockets: 50 });
  /** A ticket for everything. */
  readonly ticket: string;
  /** A settled order, which the log holds. */
  readonly orderId: string;
  #bytesBefore = 0;

  private constructor(parts: {
    readonly stack: GatewayOverSimulator;
    readonly memory: InspectedMemory;
    readonly ticket: string;
  }) {
    this.#stack = parts.stack;
    this.#memory = parts.memory;
    this.ticket = parts.ticket;
    this.orderId = parts.stack.simulator.addOrder({ plan: fulfilledAtOnce() });
  }

  static async start(environment: Readonly<Record<string, string>>): Promise<AttackedGateway> {
    const stack = await startGatewayOverSimulator({
      AUTH_JWT_SECRET: SECRET,
      AUTH_ISSUER: ISSUER,
      AUTH_AUDIENCE: AUDIENCE,
      ...INSPECTABLE,
      ...environment,
    });
    const memory = await InspectedMemory.of(stack.gateway);
    const ticket = await ticketWith();
    return new AttackedGateway({ stack, memory, ticket });
  }

  /**
   * Sends requests until everything that is made on first use exists, so that it does not count as growth. Then
   * measures the memory in use.
   */
  async warmUp(further: Attack): Promise<void> {
    for (let times = 0; times < 20; times += 1) await this.#askAsBystander();
    await this.metric('');
    await further(this);
    this.#bytesBefore = await this.#memory.usedBytes();
  }

  get gateway(): GatewayProcess {
    return this.#stack.gateway;
  }

  get simulator(): Simulator {
    return this.#stack.simulator;
  }

  get port(): number {
    return Number(new URL(this.gateway.url).port);
  }

  /** Closes the attackers' HTTP connections. */
  hangUp(): void {
    this.#attackers.destroy();
  }

  /** Sends an HTTP request from `ELSEWHERE`, with exactly these headers besides `Host` and `Content-Length`. */
  send(question: Question): Promise<Answer> {
    const options = { agent: this.#attackers, localAddress: ELSEWHERE };
    return ask(this.port, question, options);
  }

  /** Sends a GraphQL request over POST, by default with the ticket for everything; `null` sends none. */
  post(body: unknown, authorization: string | null = this.ticket): Promise<Answer> {
    return this.send({
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...(authorization === null ? {} : { authorization }),
      },
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    });
  }

  /** The present value in `/metrics` of a series, given with its labels; 0 if there is no such series. */
  async metric(series: string): Promise<number> {
    const answer = await this.#asBystander({
      path: '/metrics',
      headers: { authorization: this.ticket },
    });
    const line = answer.text.split('\n').find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length) ?? 0);
  }

  refusals(limit: string): Promise<number> {
    return this.metric(`topup_gateway_refused_total{limit="${limit}"}`);
  }

  /**
   * Runs an attack, and expects that nobody else notices: other clients are answered in time during and after it,
   * memory goes back to about what it was, and no error is logged.
   */
  async survives(attack: () => Promise<unknown>): Promise<void> {
    const over = new AbortController();
    const [slowestMs] = await Promise.all([
      this.#askUntil(over.signal),
      attack().finally(() => over.abort()),
    ]);
    expect(slowestMs).toBeLessThan(SERVES_OTHERS_WITHIN_MS);
    const most = this.#bytesBefore * MEMORY_RETURNS_TO;
    // Collecting garbage takes a while, so it is skipped if memory is low enough anyway.
    if ((await this.#memory.bytes()) >= most) {
      await expect.poll(() => this.#memory.usedBytes()).toBeLessThan(most);
    }
    expect(this.gateway.lines.filter(isFault)).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#memory[Symbol.dispose]();
    this.#bystanders.destroy();
    this.#attackers.destroy();
    await this.#stack[Symbol.asyncDispose]();
  }

  /**
   * Sends requests as an uninvolved client until `over`, and once more after that. Returns the longest response time in
   * milliseconds, less the longest event loop delay of this process: the attacks run here too, and delay the reading
   * of responses.
   */
  async #askUntil(over: AbortSignal): Promise<number> {
    const heldUp = monitorEventLoopDelay({ resolution: 10 });
    heldUp.enable();
    let slowestMs = 0;
    for (let isLast = false; ; ) {
      slowestMs = Math.max(slowestMs, await this.#askAsBystander());
      if (isLast) return slowestMs - heldUp.max / 1e6;
      await pause(ASKS_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
      isLast = over.aborted;
    }
  }

  async #askAsBystander(): Promise<number> {
    const startedAt = performance.now();
    const { status, text: body } = await this.#asBystander({
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: this.ticket },
      body: JSON.stringify({ query: `{ topup(id: "${this.orderId}") { status } }` }),
    });
    expect([status, body]).toEqual([200, '{"data":{"topup":{"status":"FULFILLED"}}}']);
    return performance.now() - startedAt;
  }

  #asBystander(question: Question): Promise<Answer> {
    return ask(this.port, question, { agent: this.#bystanders });
  }
}

/** The claims of a ticket that grants everything and is valid for ten minutes, overridden by `claims`. */
export function claimsWith(claims: Claims = {}): Claims {
  return {
    topups: '*',
    scope: 'status card operator',
    exp: Math.floor(Date.now() / 1_000) + TICKET_SECONDS,
    iss: ISSUER,
    aud: AUDIENCE,
    ...claims,
  };
}

/** The value of an `Authorization` header with a ticket of `claimsWith(claims)`. */
export function ticketWith(claims: Claims = {}): Promise<string> {
  return bearer(claimsWith(claims));
}

/**
 * Starts one gateway for all attacks of a test file, and returns a function that runs an attack as a test. `warmUp`
 * must cause everything that the gateway makes once, at an attack's first request, and keeps.
 */
export function attacksOn(
  environment: Readonly<Record<string, string>> = {},
  warmUp: Attack = async () => undefined,
) {
  let attacked: AttackedGateway | undefined;
  beforeAll(async () => {
    attacked = await AttackedGateway.start(environment);
    await attacked.warmUp(warmUp);
  });
  afterAll(() => attacked?.[Symbol.asyncDispose]());
  return (name: string, attack: Attack, timeoutMs?: number) =>
    it(
      name,
      async () => {
        const target = attacked;
        if (target === undefined) throw new Error('there is no gateway to attack');
        await target.survives(() => attack(target));
      },
      timeoutMs,
    );
}

async function ask(
  port: number,
  { method = 'GET', path = '/graphql', headers = {}, body, leavesStream = false }: Question,
  options: { readonly agent: Agent; readonly localAddress?: string },
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const address = { host: '127.0.0.1', port, method, path };
  const call = request({ ...address, headers: { ...length, ...headers }, ...options });
  call.once('error', reject);
  call.once('response', (response) => {
    const { statusCode: status = 0, headers: had } = response;
    if (leavesStream && had['content-type']?.startsWith('text/event-stream')) {
      response.destroy();
      resolve({ status, headers: had, text: '', codes: [] });
      return;
    }
    text(response).then((told) => {
      resolve({ status, headers: had, text: told, codes: codesIn(told) });
    }, reject);
  });
  call.end(body);
  return promise;
}

function codesIn(text: string): readonly string[] {
  try {
    const { errors = [] } = JSON.parse(text);
    return errors.map(({ extensions }: { extensions?: { code?: string } }) => extensions?.code);
  } catch {
    return [];
  }
}

/**
 * Whether a line of output reports an error: a log line of level `error` (50 in Pino) or above, or a line that is not
 * JSON, except for those that Node writes about its inspector.
 */
function isFault(line: string): boolean {
  return line.startsWith('{')
    ? /"level":(5|6)\d\b/.test(line)
    : !/^(Debugger |For help, see: )/.test(line);
}
