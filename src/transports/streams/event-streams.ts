import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Logger } from '../../core/ports.ts';
import type { Following } from '../../feed/feed.ts';
import type { Live } from '../../graphql/execution/live.ts';
import type { Rendered } from '../../graphql/execution/renderings.ts';
import { Deadlines } from './deadlines.ts';
import { Delivery } from './delivery.ts';
import { forStream } from './errors.ts';
import { type Patient, Pulse } from './pulse.ts';

/** How often a client that is told nothing is shown that the stream is still there. */
const SIGN_MS = 12_000;

export const STREAM_TYPE = 'text/event-stream';

/** Of every stream, as Yoga writes it. Nothing in between may compress or keep what comes. */
export const STREAM_HEADERS = {
  'Content-Type': STREAM_TYPE,
  Connection: 'keep-alive',
  'Cache-Control': 'no-cache',
  'Content-Encoding': 'none',
} as const;

/** A comment. First of all, since some browsers wait for something to come, and then in place of silence. */
const SIGN = chunk(':\n\n');
const COMPLETE = chunk('event: complete\ndata:\n\n');

/** Where a response goes, of which each piece can be written right to the connection. */
export interface StreamTarget {
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** `undefined` for HTTP/1.0, which has no pieces, and for a request that another one is to be answered before. */
export function streamTargetOf(response: ServerResponse): StreamTarget | undefined {
  const { socket, useChunkedEncodingByDefault, destroyed } = response;
  const canStream = useChunkedEncodingByDefault && !destroyed && socket !== null;
  return canStream ? { response, socket } : undefined;
}

/** A subscription that may be delivered. */
export interface Delivered {
  readonly live: Live;
  readonly following: Following;
}

/** Subscriptions over server-sent events (distinct connections), all by the same few timers. */
export class EventStreams {
  readonly #open = new Set<EventStream>();
  readonly #pulse: Pulse;
  readonly #tickets: Deadlines<EventStream>;
  readonly #logger: Logger;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#pulse = new Pulse({ clock, intervalMs: SIGN_MS, patients: this.#open });
    this.#tickets = new Deadlines(clock, (stream) => stream.expire());
    this.#logger = logger;
  }

  /** @param head all headers of the answer: name, value, name, value, … */
  begin(target: StreamTarget, { live, following }: Delivered, head: readonly string[]): void {
    if (target.response.destroyed) {
      void live.return();
      return;
    }
    const stream = new EventStream(target, { live, following }, this);
    this.#open.add(stream);
    this.#pulse.welcome(stream);
    if (following.expiresAt !== undefined) this.#tickets.add(stream, following.expiresAt);
    stream.open(head);
  }

  forget(stream: EventStream): void {
    this.#open.delete(stream);
    this.#tickets.delete(stream);
  }

  get logger(): Logger {
    return this.#logger;
  }
}

/**
 * The events of a subscription as an answer that does not end. Its head is written by Node, and each event, with
 * what HTTP puts around a piece, right to the socket: the same bytes for all who are told the same.
 */
class EventStream extends Delivery implements Patient {
  askAt = 0;
  readonly askedAt = undefined;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #streams: EventStreams;

  constructor(
    { response, socket }: StreamTarget,
    { live, following }: Delivered,
    streams: EventStreams,
  ) {
    super(live, following);
    this.#response = response;
    this.#socket = socket;
    this.#streams = streams;
  }

  open(head: readonly string[]): void {
    this.#socket.setTimeout(0);
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true);
    this.#response.on('close', () => this.leave());
    letGoOf(this.#response.req);
    // In one go.
    this.#socket.cork();
    this.#response.writeHead(200, [...head]).flushHeaders();
    this.#write(SIGN);
    this.#socket.uncork();
    this.begin();
  }

  /** Its ticket is over, of which it is told as of any event. */
  expire(): void {
    this.lookAgain();
  }

  /** Where something waits for the client it would learn of it no sooner. */
  ask(): void {
    if (this.#socket.writableLength === 0) this.#write(SIGN);
  }

  /** It has no way to answer, so nobody waits for that. */
  cutOff(): void {}

  protected tell(rendered: Rendered): Socket | undefined {
    return this.#write(eventOf(rendered));
  }

  protected tellEnd(): void {
    this.#write(COMPLETE);
    this.#response.end();
  }

  protected tellFault(error: unknown): void {
    const told = { errors: [forStream(error, this.#streams.logger)] };
    this.#write(nextEvent(JSON.stringify(told)));
    this.tellEnd();
  }

  protected override leave(): void {
    this.#streams.forget(this);
    super.leave();
  }

  /** Never after the end: the next answer may be on its way over the same socket. */
  #write(bytes: Buffer): Socket | undefined {
    const { destroyed, writableEnded } = this.#response;
    if (destroyed || writableEnded || !this.#socket.writable) return undefined;
    this.#socket.write(bytes);
    return this.#socket;
  }
}

/**
 * Lets go of what has been read of a request, as its answer goes on: what collected its body has that still, and
 * browsers send many headers, of which a ticket is one.
 */
function letGoOf(request: IncomingMessage): void {
  request.removeAllListeners('data');
  request.headers = {};
  request.rawHeaders = [];
}

const events = new WeakMap<Rendered, Buffer>();

/** Made once for all who are told the same. */
function eventOf(rendered: Rendered): Buffer {
  const known = events.get(rendered);
  if (known !== undefined) return known;
  const event = nextEvent(rendered.stringify());
  events.set(rendered, event);
  return event;
}

/** JSON holds no line break, so this is one line. */
function nextEvent(json: string): Buffer {
  return chunk(`event: next\ndata: ${json}\n\n`);
}

/** A piece of an answer as it goes over HTTP/1.1 (RFC 9112, section 7.1). */
function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
