import type { Socket } from 'node:net';
import { CloseCode, type WebSocket as ProtocolSocket, type Server } from 'graphql-ws';
import { type RawData, WebSocket } from 'ws';
import { type Access, NO_ACCESS } from '../../core/access.ts';
import { loggedError } from '../../core/logged-error.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import type { Guard } from '../../limits/guard.ts';
import {
  isOfSize,
  type MessageRate,
  TOO_MANY_REQUESTS,
  TRY_AGAIN_LATER,
} from '../../limits/sockets.ts';
import type { Deadlines } from '../streams/deadlines.ts';
import type { Patient, Pulse } from '../streams/pulse.ts';
import { Busy, type LetGo } from './busy.ts';
import type { Clients } from './clients.ts';

/** A WebSocket that knows whose it is, so that all of them can have the same listeners. */
export class ClientSocket extends WebSocket {
  client: Client | undefined = undefined;
}

/** What is there once for all clients. */
export interface ClientParts {
  readonly guard: Guard;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rate: MessageRate;
  readonly pulse: Pulse;
  /** All that are connected. */
  readonly clients: Clients<Client>;
  /** Those that have not begun. */
  readonly newcomers: Deadlines<Client>;
  /** Those whose ticket will be over. */
  readonly tickets: Deadlines<Client>;
}

/** One that has connected. */
export interface Connected {
  readonly socket: ClientSocket;
  /** What is below the socket. */
  readonly stream: Socket;
  /** Where its request came from. Not the request itself: it is larger than all the rest of a socket. */
  readonly address: string;
  readonly authorization: string | undefined;
}

/** What the hooks of graphql-ws are given of a socket. */
export interface SocketExtra extends Record<PropertyKey, unknown> {
  readonly client: Client;
}

/** How long a client that was told to go may take to do so. */
const GO_MS = 2_000;

/**
 * A client at the other end of a socket, with which graphql-ws speaks its protocol. In place of the adapter
 * that comes with it, which sets a timer for each socket, takes a client that goes in the middle for a fault of
 * the operation, and writes to the console as often as clients have it do so.
 *
 * One object for all that is known of a client, and no function of its own: of ten thousand that wait, each
 * byte is there ten thousand times.
 */
export class Client implements ProtocolSocket, Patient {
  readonly socket: ClientSocket;
  readonly stream: Socket;
  readonly address: string;
  /** The ticket that its request brought, until it has begun. */
  authorization: string | undefined;
  access: Access = NO_ACCESS;
  /** When it is to be asked for a sign of life. */
  askAt = 0;
  /** When it was last asked, while it has not answered. */
  askedAt: number | undefined = undefined;
  messagesLeft: number;
  heardAt: number;
  readonly #parts: ClientParts;
  #take: ((text: string) => Promise<void>) | undefined = undefined;
  #closed: ReturnType<Server['opened']> | undefined = undefined;
  /** There only while graphql-ws is busy with anything. */
  #busy: Busy | undefined = undefined;
  /** The id by which the message that graphql-ws is just given asks for something. */
  #asked: string | undefined = undefined;
  #isDismissed = false;

  constructor({ socket, stream, address, authorization }: Connected, parts: ClientParts) {
    this.socket = socket;
    this.stream = stream;
    this.address = address;
    this.authorization = authorization;
    this.#parts = parts;
    this.messagesLeft = parts.rate.capacity;
    this.heardAt = parts.clock.now();
  }

  /** From now on graphql-ws hears what the client says. */
  begin(server: Server<SocketExtra>): void {
    const { clients, pulse, newcomers, clock, guard } = this.#parts;
    clients.add(this);
    pulse.welcome(this);
    newcomers.add(this, clock.now() + guard.limits.connectionInitTimeoutMs);
    this.#closed = server.opened(this, { client: this });
    listenTo(this.socket, this);
    guard.connections.enter(this.address);
    guard.stalls.watch(this.stream, this);
  }

  /** It has said who it is. */
  admit(access: Access): void {
    this.access = access;
    this.authorization = undefined;
    if (access.expiresAt !== null && this.isOpen) this.#parts.tickets.add(this, access.expiresAt);
  }

  /** It has begun, and what it says is looked at. */
  hasBegun(): void {
    this.#parts.newcomers.delete(this);
  }

  get logger(): Logger {
    return this.#parts.logger;
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** Whoever is gone is not told: the end of the socket ends the operation. */
  send(text: string): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.socket.send(text, () => resolve()));
  }

  /** graphql-ws tells the id of an operation, which may be longer than a reason. */
  close(code?: number, reason = ''): void {
    this.socket.close(code, shortened(reason));
  }

  onMessage(take: (text: string) => Promise<void>): void {
    this.#take = take;
  }

  /** Closes the socket, and listens to nothing that its client goes on saying. */
  dismiss(code: number, reason: string): void {
    if (this.#isDismissed) return;
    this.#isDismissed = true;
    this.socket.close(code, reason);
    const timer = this.#parts.clock.after(GO_MS, () => this.socket.terminate());
    this.socket.once('close', () => timer.cancel());
  }

  hear(data: RawData): void {
    if (!this.#mayGoOn()) return;
    const text = String(data);
    const hearing = this.#busy?.hear(text) ?? 'now';
    if (hearing === 'now') this.#pass(text);
    else if (hearing === 'never') {
      this.close(CloseCode.SubscriberAlreadyExists, 'Subscriber already exists');
    }
  }

  /** The message that graphql-ws is just given asks for something, and may. */
  asks(id: string): void {
    this.#busy ??= new Busy();
    this.#busy.begin(id);
    this.#asked = id;
  }

  /** A subscription that graphql-ws does not wait for: it begins once the message that asked for it is answered. */
  letGo(id: string, subscription: LetGo): void {
    this.#busy?.letGo(id, subscription);
  }

  /** Pings are counted, since they are answered, and the answers of a client that does not read pile up. */
  ping(data: Buffer): void {
    if (this.#mayGoOn() && this.isOpen) this.socket.pong(data);
  }

  pong(): void {
    this.#mayGoOn();
    this.askedAt = undefined;
  }

  ask(now: number): void {
    if (!this.isOpen) return;
    this.askedAt ??= now;
    this.socket.ping();
  }

  cutOff(): void {
    this.socket.terminate();
  }

  /** It closes by itself. */
  failed(error: NodeJS.ErrnoException): void {
    if (isOfSize(error)) this.#parts.guard.onRefused('message_size');
  }

  stalled(): void {
    this.#parts.guard.onRefused('slow_client');
    this.dismiss(TRY_AGAIN_LATER, 'Too slow to read; go on after the last cursor');
  }

  left(code: number, reason: string): void {
    const { clients, newcomers, tickets, guard } = this.#parts;
    clients.delete(this);
    newcomers.delete(this);
    tickets.delete(this);
    guard.connections.leave(this.address);
    this.#closed?.(code, reason).catch((error: unknown) => {
      this.logger.error(loggedError(error), 'a socket could not be closed tidily');
    });
  }

  #pass(text: string): void {
    const answered = this.#take?.(text);
    // Told by then, since nothing is waited for before.
    const id = this.#asked;
    this.#asked = undefined;
    answered?.then(
      () => {
        if (id !== undefined) this.#isDone(id);
      },
      (error: unknown) => {
        this.logger.error(loggedError(error), 'a message on a socket could not be answered');
        this.socket.close(CloseCode.InternalServerError, 'Internal server error');
      },
    );
  }

  /** Right after graphql-ws is done with the message that asked for it. */
  #isDone(id: string): void {
    const operation = this.#busy?.end(id);
    if (this.#busy?.isOver) this.#busy = undefined;
    operation?.subscription?.begin();
    // Of one that is gone nobody would end it.
    if (operation?.next !== undefined && this.isOpen) this.#pass(operation.next);
  }

  /** Counts what it says. */
  #mayGoOn(): boolean {
    if (this.#isDismissed) return false;
    const { rate, guard } = this.#parts;
    if (rate.allows(this)) return true;
    guard.onRefused('message_rate');
    this.dismiss(TOO_MANY_REQUESTS, `More than ${rate.perSecond} messages a second`);
    return false;
  }
}

/** The same functions for all sockets, which find their client by the socket that they are called on. */
function listenTo(socket: ClientSocket, client: Client): void {
  socket.client = client;
  socket.on('message', onMessage);
  socket.on('ping', onPing);
  socket.on('pong', onPong);
  // Without a listener the process would end.
  socket.on('error', onError);
  socket.on('close', onClose);
}

function onMessage(this: WebSocket, data: RawData): void {
  clientOf(this)?.hear(data);
}

function onPing(this: WebSocket, data: Buffer): void {
  clientOf(this)?.ping(data);
}

function onPong(this: WebSocket): void {
  clientOf(this)?.pong();
}

function onError(this: WebSocket, error: NodeJS.ErrnoException): void {
  clientOf(this)?.failed(error);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  clientOf(this)?.left(code, String(reason));
}

function clientOf(socket: WebSocket): Client | undefined {
  return socket instanceof ClientSocket ? socket.client : undefined;
}

/** Of a close frame (RFC 6455, section 5.5), less the two of its code. */
const MOST_REASON_BYTES = 123;

/** Without half a character at its end. */
function shortened(reason: string): string {
  if (Buffer.byteLength(reason) <= MOST_REASON_BYTES) return reason;
  return reason.slice(0, encoder.encodeInto(reason, new Uint8Array(MOST_REASON_BYTES)).read);
}

const encoder = new TextEncoder();
