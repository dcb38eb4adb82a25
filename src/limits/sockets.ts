import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Clock } from '../core/ports.ts';
import type { Guard } from './guard.ts';
import { limitExceeded } from './refusal.ts';

/** Clients of graphql-ws come back after this, and go on after their last cursor. */
const TRY_AGAIN_LATER = 1_013;

/** And do not come back after this one. */
const TOO_MANY_REQUESTS = 4_429;

/** What `graphql-ws` says of a client that does not begin. */
const CONNECTION_INIT_TIMEOUT = 4_408;

/** How long a client that was told to go may take to do so. */
const GO_MS = 2_000;

export interface SocketLimitsOptions {
  readonly guard: Guard;
  readonly clock: Clock;
  /** What is below the WebSocket. */
  readonly socket: Socket;
}

/** Limits how much a socket may say, and how long it may leave unread what it is told. */
export function limitSocket(webSocket: WebSocket, options: SocketLimitsOptions): void {
  const { guard, clock, socket } = options;
  const { messagesPerSecond: perSecond, subscriptionsPerConnection } = guard.limits;
  // A client that comes back asks for all its subscriptions at once.
  const capacity = perSecond + subscriptionsPerConnection;
  let left = capacity;
  let at = clock.now();
  let dismissed = false;
  const count = () => {
    const now = clock.now();
    // A clock that is set back gives nothing and takes nothing.
    left = Math.min(capacity, left + (Math.max(0, now - at) / 1_000) * perSecond) - 1;
    at = now;
    if (dismissed || left >= 0) return;
    dismissed = true;
    guard.onRefused('message_rate');
    const reason = `More than ${perSecond} messages a second`;
    dismiss(webSocket, { code: TOO_MANY_REQUESTS, reason, clock });
  };
  webSocket.prependListener('message', count);
  // Pings are answered, and the answers of a client that does not read pile up.
  webSocket.on('ping', count);
  webSocket.on('pong', count);
  guard.stalls.watch(socket, () => {
    guard.onRefused('slow_client');
    const reason = 'Too slow to read; go on after the last cursor';
    dismiss(webSocket, { code: TRY_AGAIN_LATER, reason, clock });
  });
  countClosures(webSocket, guard);
}

/** Closes a socket, and listens to nothing that its client goes on saying. */
export function dismiss(
  webSocket: WebSocket,
  {
    code,
    reason,
    clock,
  }: { readonly code: number; readonly reason: string; readonly clock: Clock },
): void {
  webSocket.removeAllListeners('message');
  webSocket.close(code, reason);
  const timer = clock.after(GO_MS, () => webSocket.terminate());
  webSocket.once('close', () => timer.cancel());
}

/** What `ws` says of a message that is too long, or of too many pieces. */
const OF_SIZE: ReadonlySet<unknown> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);

/** Limits that `ws` and `graphql-ws` keep by themselves. */
function countClosures(webSocket: WebSocket, { onRefused }: Guard): void {
  webSocket.on('error', (error: NodeJS.ErrnoException) => {
    if (OF_SIZE.has(error.code)) onRefused('message_size');
  });
  webSocket.on('close', (code) => {
    if (code === CONNECTION_INIT_TIMEOUT) onRefused('connection_init');
  });
}

/**
 * Refuses an operation on a socket that runs as many as it may, among them this one.
 *
 * @throws GatewayError
 */
export function refuseOneTooMany(
  operations: Readonly<Record<string, unknown>>,
  { limits, onRefused }: Guard,
): void {
  const most = limits.subscriptionsPerConnection;
  if (Object.keys(operations).length <= most) return;
  onRefused('subscriptions_per_connection');
  throw limitExceeded(`At most ${most} operations may run on one socket at a time.`);
}
