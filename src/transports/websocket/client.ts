import type { Socket } from 'node:net';
import { CloseCode, MessageType, type WebSocket as ProtocolSocket, type Server } from 'graphql-ws';
import type { RawData } from 'ws';
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
import { Busy, type WaitingSubscription } from './busy.ts';
import { type ClientSocket, type Listener, listenTo, shortened } from './client-socket.ts';
import type { Clients } from './clients.ts';
import type { Held } from './held.ts';
import { isServerMessage } from './server-messages.ts';

/** Shared by all clients. */
export interface ClientParts {
  readonly guard: Guard;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rate: MessageRate;
  readonly pulse: Pulse;
  /** All connected clients. */
  readonly clients: Clients<Client>;
  /** Clients that have not sent `connection_init` yet. */
  readonly newcomers: Deadlines<Client>;
  /** Clients whose ticket will expire. */
  readonly tickets: Deadlines<Client>;
}

/** A client that has just connected. */
interface Connected {
  readonly socket: ClientSocket;
  /** The TCP socket below the WebSocket. */
  readonly stream: Socket;
  /** Where the upgrade request came from. Not the request itself, which is larger than all the rest of a client. */
  readonly address: string;
  readonly authorization: string | undefined;
}

/** What the hooks of graphql-ws receive about a socket. */
export interface SocketExtra extends Record<PropertyKey, unknown> {
  readonly client: Client;
}

/** How long a dismissed client may take to close its socket. */
const GO_MS = 2_000;

/** How much may wait for a client to read it before its next query runs: ten usual answers of the largest kind. */
const MOST_UNREAD_BYTES = 1_048_576;

/** So many times as much waits only for a client that goes on to ask, and hardly reads. */
const FAR_BEHIND = 8;

/**
 * A client at the other end of a socket, to which graphql-ws speaks its protocol. Replaces the `ws` adapter of
 * graphql-ws, which sets a timer for each socket, takes a client that disconnects during an operation for a fault of
 * that operation, and writes to the console as often as clients cause it to.
 *
 * One object holds the whole state of a client, without closures: with ten thousand waiting clients, each byte is there
 * ten thousand times.
 */
export class Client implements ProtocolSocket, Patient, Listener {
  readonly socket: ClientSocket;
  readonly stream: Socket;
  readonly address: string;
  /** The `Authorization` header of the upgrade request; cleared once the client is admitted. */
  authorization: string | undefined;
  access: Access = NO_ACCESS;
  askAt = 0;
  askedAt: number | undefined = undefined;
  messagesLeft: number;
  heardAt: number;
  readonly #parts: ClientParts;
  #take: ((text: string) => Promise<void>) | undefined = undefined;
  #closed: ReturnType<Server['opened']> | undefined = undefined;
  /** The operations that graphql-ws is working on; `undefined` while there are none. */
  #busy: Busy | undefined = undefined;
  /** The id of the operation that the current message starts, while graphql-ws takes the message. */
  #started: string | undefined = undefined;
  #isDismissed = false;
  /** Queries that wait until the client has read more. */
  #waiting: (() => void)[] | undefined = undefined;

  constructor({ socket, stream, address, authorization }: Connected, parts: ClientParts) {
    this.socket = socket;
    this.stream = stream;
    this.address = address;
    this.authorization = authorization;
    this.#parts = parts;
    this.messagesLeft = parts.rate.capacity;
    this.heardAt = parts.clock.steady();
  }

  /** From now on graphql-ws receives the client's messages. */
  begin(server: Server<SocketExtra>): void {
    const { clients, pulse, newcomers, clock, guard } = this.#parts;
    clients.add(this);
    pulse.welcome(this);
    newcomers.add(this, clock.steady() + guard.limits.connectionInitTimeoutMs);
    this.#closed = server.opened(this, { client: this });
    listenTo(this.socket, this);
    guard.connections.enter(this.address);
    guard.stalls.watch(this.stream, this);
  }

  /** Gives the client the rights of its ticket, which has been verified. */
  admit(access: Access): void {
    this.access = access;
    this.authorization = undefined;
    if (access.expiresAt !== null && this.isOpen) this.#parts.tickets.add(this, access.expiresAt);
  }

  /** The client has sent `connection_init` in time. */
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

  /** Sends nothing to a client that is gone: the close of the socket ends its operations. */
  send(text: string): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.socket.send(text, () => resolve()));
  }

  /** graphql-ws leaves pings to us. While the client does not read, answers would only pile up. */
  async onPing(payload: unknown): Promise<void> {
    if (this.isBehind) return;
    await this.send(JSON.stringify({ type: MessageType.Pong, ...(payload ? { payload } : {}) }));
  }

  /** Whether so much waits to be read that no more answers should be made for now. */
  get isBehind(): boolean {
    return this.stream.writableLength > MOST_UNREAD_BYTES;
  }

  /** Resolves once the client has read enough for another answer to be made, or is gone. */
  async room(): Promise<void> {
    while (this.isOpen && this.isBehind) {
      this.#waiting ??= this.#queriesInWait();
      const waiting = this.#waiting;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  /** Most clients never have one. */
  #queriesInWait(): (() => void)[] {
    // Not when an answer is sent: the client may be behind with the events of its subscriptions alone.
    this.stream.on('drain', () => this.nextQuery());
    return [];
  }

  /** To be called after each query: of those that wait, one runs at a time. */
  nextQuery(): void {
    if (!this.isBehind) this.#waiting?.shift()?.();
  }

  /** The reason is shortened: graphql-ws puts the id of an operation into it, which may be of any length. */
  close(code?: number, reason = ''): void {
    this.socket.close(code, shortened(reason));
  }

  onMessage(take: (text: string) => Promise<void>): void {
    this.#take = take;
  }

  /** Closes the socket, and ignores everything that the client still sends. Cuts the client off after `GO_MS`. */
  dismiss(code: number, reason: string): void {
    if (this.#isDismissed) return;
    this.#isDismissed = true;
    this.socket.close(code, shortened(reason));
    const timer = this.#parts.clock.after(GO_MS, () => this.socket.terminate());
    this.socket.once('close', () => timer.cancel());
  }

  /**
   * Timers stand still while the machine sleeps, or its clock is set, so the ticket may be over before its deadline.
   */
  get hasExpired(): boolean {
    const { expiresAt } = this.access;
    return expiresAt !== null && this.#parts.clock.now() >= expiresAt;
  }

  /** The ticket has expired: a client that is closed comes back with the next one, and goes on after its cursors. */
  expire(): void {
    this.dismiss(CloseCode.Forbidden, 'the ticket has expired');
  }

  hear(data: RawData): void {
    if (this.#refusesAnother()) return;
    const text = String(data);
    if (isServerMessage(text)) {
      this.close(CloseCode.BadRequest, 'Invalid message received');
      return;
    }
    const hearing = this.#busy?.hear(text) ?? 'now';
    if (hearing === 'now') this.#pass(text);
    else if (hearing === 'never') {
      this.close(CloseCode.SubscriberAlreadyExists, 'Subscriber already exists');
    }
  }

  /** The message that graphql-ws is handling starts an operation of this id, and the operation is allowed. */
  starts(id: string): void {
    this.#busy ??= new Busy();
    this.#busy.begin(id);
    this.#started = id;
  }

  /** Notes what a subscription that is about to begin will hold. */
  holds(id: string, held: Held): void {
    this.#busy?.hold(id, held);
  }

  /** How many operations graphql-ws is handling. */
  get handling(): number {
    return this.#busy?.size ?? 0;
  }

  /** What the subscriptions that are about to begin will hold, by id. */
  get beginning(): Iterable<[id: string, held: Held]> {
    return this.#busy?.held ?? [];
  }

  /** Adds a subscription that graphql-ws does not wait for. It begins once the message that asked for it is handled. */
  beginLater(id: string, subscription: WaitingSubscription): void {
    this.#busy?.beginLater(id, subscription);
  }

  /** Pings count as messages, since each is answered, and the pongs for a client that does not read pile up. */
  ping(data: Buffer): void {
    if (!this.#refusesAnother() && this.isOpen) this.socket.pong(data);
  }

  pong(): void {
    this.#dismissIfTooFast();
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

  /** Only counts the error: `ws` closes the socket by itself. */
  failed(error: NodeJS.ErrnoException): void {
    if (isOfSize(error)) this.#parts.guard.onRefused('message_size');
  }

  stalled(): void {
    if (this.#isDismissed) return;
    this.#parts.guard.onRefused('slow_client');
    this.dismiss(TRY_AGAIN_LATER, 'Too slow to read; go on after the last cursor');
  }

  left(code: number, reason: string): void {
    const { clients, newcomers, tickets, guard } = this.#parts;
    clients.delete(this);
    newcomers.delete(this);
    tickets.delete(this);
    guard.connections.leave(this.address);
    for (const resolve of this.#waiting ?? []) resolve();
    this.#closed?.(code, reason).catch((error: unknown) => {
      this.logger.error(loggedError(error), 'a socket could not be closed tidily');
    });
  }

  #pass(text: string): void {
    const answered = this.#take?.(text);
    // `starts` was called by now: graphql-ws calls `onSubscribe` before it first awaits anything.
    const id = this.#started;
    this.#started = undefined;
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

  /** Called right after graphql-ws has handled the message that started the operation. */
  #isDone(id: string): void {
    const operation = this.#busy?.end(id);
    if (this.#busy?.isOver) this.#busy = undefined;
    operation?.subscription?.begin();
    // On a socket that is closed, nothing would end the next operation.
    if (operation?.next !== undefined && this.isOpen) this.#pass(operation.next);
  }

  /** Dismisses a client that sends too many messages, or asks and hardly reads. Returns whether it is dismissed. */
  #refusesAnother(): boolean {
    this.#dismissIfTooFast();
    if (this.stream.writableLength > MOST_UNREAD_BYTES * FAR_BEHIND) this.stalled();
    return this.#isDismissed;
  }

  /** Counts a message. */
  #dismissIfTooFast(): void {
    if (this.#isDismissed) return;
    const { rate, guard } = this.#parts;
    if (rate.allows(this)) return;
    guard.onRefused('message_rate');
    this.dismiss(TOO_MANY_REQUESTS, `More than ${rate.perSecond} messages a second`);
  }
}
