/** Measures what an event costs a server with thousands of subscribers. */
import type { Running } from './contestants.ts';
import type { Over } from './messages.ts';
import { SUBSCRIBERS } from './paths.ts';
import { CLIENT_CORE, Pinned } from './pinned.ts';
import { percentile } from './statistics.ts';

export interface AudienceOptions {
  readonly subscribers: number;
  /** Whether each subscriber follows an order of its own, or all follow the same one. */
  readonly own: boolean;
  readonly over?: Over;
}

export interface EventCosts {
  readonly cpuMicrosecondsPerMessage: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How many events the warm-up sends at most, until one reaches all subscribers. */
const FIRST_TRIES = 20;
const FIRST_PATIENCE_MS = 15_000;

let sequence = 0;

/** A contestant, and a client process with all its subscribers. */
export class Audience {
  readonly server: Running;
  readonly #options: AudienceOptions;
  readonly #clients: Pinned;

  private constructor(server: Running, options: AudienceOptions) {
    this.server = server;
    this.#options = options;
    this.#clients = new Pinned({ core: CLIENT_CORE, command: [process.execPath, SUBSCRIBERS] });
  }

  /** Resolves once all subscribers have sent their subscription. */
  static async open(server: Running, options: AudienceOptions): Promise<Audience> {
    const audience = new Audience(server, options);
    const { over = 'WebSocket' } = options;
    const url = over === 'WebSocket' ? server.url.replace('http:', 'ws:') : server.url;
    await audience.#clients.ask({ kind: 'open', url, ...options, over }, 'opened');
    return audience;
  }

  /**
   * Resolves once an event has reached all subscribers, and `events` further ones were delivered. The first event shows
   * that all subscriptions are active, since a server need not acknowledge them. Rejects if none reaches all.
   */
  async warmUp(events: number): Promise<void> {
    for (let attempt = 1; attempt <= FIRST_TRIES; attempt += 1) {
      if (await this.#reachesAll()) break;
      if (attempt === FIRST_TRIES) throw new Error(`no event of ${this.server.who} reaches all`);
    }
    await this.publish(events);
  }

  /** Publishes `events` events, each once all subscribers have received the previous one. */
  async publish(events: number): Promise<EventCosts> {
    const { process } = this.server;
    const before = await process.ask({ kind: 'usage' }, 'usage');
    const delaysMs: number[] = [];
    for (let event = 0; event < events; event += 1) {
      for (const delay of await this.#publishOne()) delaysMs.push(delay);
    }
    const after = await process.ask({ kind: 'usage' }, 'usage');
    return {
      cpuMicrosecondsPerMessage:
        ((after.cpuMs - before.cpuMs) * 1_000) / (events * this.#options.subscribers),
      p50Ms: percentile(delaysMs, 50),
      p99Ms: percentile(delaysMs, 99),
    };
  }

  async close(): Promise<void> {
    await this.#clients.stop();
  }

  async #publishOne(): Promise<readonly number[]> {
    const delivered = this.#clients.hear('delivered');
    await this.#tellServer();
    return (await delivered).delaysMs;
  }

  async #reachesAll(): Promise<boolean> {
    const delivered = this.#clients.hear('delivered').then(() => true);
    await this.#tellServer();
    const { promise: impatient, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, FIRST_PATIENCE_MS, false);
    try {
      return await Promise.race([delivered, impatient]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #tellServer(): Promise<void> {
    const { own, subscribers } = this.#options;
    await publishTo(this.server.process, own ? subscribers : 1);
  }
}

/** Publishes one event for each of the first `orders` orders. Resolves once the server has sent or appended all. */
export async function publishTo(process: Pinned, orders: number): Promise<void> {
  sequence += 1;
  await process.ask({ kind: 'publish', sequence, orders }, 'done');
}
