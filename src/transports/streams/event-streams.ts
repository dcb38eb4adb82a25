import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Cursor, decodeCursor } from '../../core/cursor.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import type { FollowedEvent } from '../../feed/following.ts';
import type { Live } from '../../graphql/execution/live.ts';
import type { Rendered } from '../../graphql/execution/renderings.ts';
import { Deadlines } from './deadlines.ts';
import { Delivery } from './delivery.ts';
import { forStream } from './errors.ts';
import { type Patient, Pulse } from './pulse.ts';

/** How often the client of a stream is sent a comment, as a sign that the stream is still open. */
const SIGN_MS = 12_000;

export const STREAM_TYPE = 'text/event-stream';

/** The headers of every stream, as Yoga writes them. No intermediary may compress the stream. */
export const STREAM_HEADERS = {
  'Content-Type': STREAM_TYPE,
  Connection: 'keep-alive',
  'Content-Encoding': 'none',
} as const;

/** The header that has nginx pass on each event as it comes. By default it holds them back until they fill a buffer. */
export const UNBUFFERED = ['X-Accel-Buffering', 'no'] as const;

/** An empty comment. Sent first, since some browsers wait for the first bytes, and then at intervals. */
const SIGN = chunk(':\n\n');
const COMPLETE = chunk('event: complete\ndata:\n\n');

/** A response whose chunks can be written directly to its connection. */
export interface StreamTarget {
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** `undefined` for HTTP/1.0, which has no chunks. */
export function streamTargetOf(response: ServerResponse): StreamTarget | undefined {
  const { socket, useChunkedEncodingByDefault } = response;
  return useChunkedEncodingByDefault && socket !== null ? { response, socket } : undefined;
}

/** Subscriptions over server-sent events (distinct connections mode). A few timers serve them all. */
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

  /** @param head all headers of the response: name, value, name, value, … */
  begin(target: StreamTarget, live: Live, head: readonly string[]): void {
    if (target.response.destroyed) {
      void live.return();
      return;
    }
    const stream = new EventStream(target, live, this);
    this.#open.add(stream);
    this.#pulse.welcome(stream);
    const { expiresAt } = live.following;
    if (expiresAt !== undefined) this.#tickets.add(stream, expiresAt);
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
 * The events of a subscription as a response that does not end. Node writes the head. Each event is written as an HTTP
 * chunk directly to the socket: the same bytes for all subscribers that are told the same.
 */
class EventStream extends Delivery implements Patient {
  askAt = 0;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #streams: EventStreams;

  constructor({ response, socket }: StreamTarget, live: Live, streams: EventStreams) {
    super(live);
    this.#response = response;
    this.#socket = socket;
    this.#streams = streams;
  }

  open(head: readonly string[]): void {
    this.#response.on('close', () => this.leave());
    letGoOf(this.#response.req);
    // The head and the first comment go out together.
    this.#socket.cork();
    this.#response.writeHead(200, [...head]).flushHeaders();
    this.#write(SIGN);
    this.#socket.uncork();
    this.readOn();
  }

  /** The ticket has expired: reading on ends the stream with that error. */
  expire(): void {
    this.readOn();
  }

  /** Sends nothing while bytes are queued for the client: they are as good a sign, and would go out first. */
  ask(): void {
    if (this.#socket.writableLength === 0) this.#write(SIGN);
  }

  protected tell(rendered: Rendered, event: FollowedEvent): Socket | undefined {
    return this.#write(eventOf(rendered, this.live.following.cursorOf(event)));
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

  /** Writes nothing after the end, when the next response may be on its way over the same socket. */
  #write(bytes: Buffer): Socket | undefined {
    const { destroyed, writableEnded } = this.#response;
    if (destroyed || writableEnded || !this.#socket.writable) return undefined;
    this.#socket.write(bytes);
    return this.#socket;
  }
}

/**
 * Frees what is kept of a request while its response goes on: the listeners that collected the body still hold it, and
 * browsers send many headers, among them the ticket.
 */
function letGoOf(request: IncomingMessage): void {
  request.removeAllListeners('data');
  request.headers = {};
  request.rawHeaders = [];
}

const events = new WeakMap<Rendered, Buffer>();

/** Encoded once for all subscribers that are told the same. */
function eventOf(rendered: Rendered, cursor: string | undefined): Buffer {
  const known = events.get(rendered);
  if (known !== undefined) return known;
  const event = nextEvent(rendered.stringify(), cursor);
  events.set(rendered, event);
  return event;
}

/**
 * `json` contains no line breaks, so one `data` line is enough. A client that comes back sends the cursor of its last
 * event as `Last-Event-ID`; browsers do so by themselves.
 */
function nextEvent(json: string, cursor?: string): Buffer {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`;
  return chunk(`${id}event: next\ndata: ${json}\n\n`);
}

/**
 * After which event a client that comes back wants to go on. One that names none of ours is served as one that is new:
 * it could not ask otherwise.
 */
export function lastEventOf({ headers }: IncomingMessage): Cursor | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' ? decodeCursor(id) : undefined;
}

/** A chunk of a response, as HTTP/1.1 encodes it (RFC 9112, section 7.1). */
function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
