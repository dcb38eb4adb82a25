/** A bare `ws` server: remembers the subscribers of each order, and sends them the same payload. */
import { createServer } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Row } from '../rows.ts';
import { listen, publishBy } from './common.ts';

const followers = new Map<string, Map<WebSocket, string>>();
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on('connection', (socket) => {
  socket.on('message', (text) => {
    const { type, id, payload } = JSON.parse(String(text));
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    else if (type === 'subscribe') follow(socket, id, payload.variables.id);
  });
});

function follow(socket: WebSocket, messageId: string, orderId: string): void {
  const ofOrder = followers.get(orderId) ?? new Map<WebSocket, string>();
  followers.set(orderId, ofOrder.set(socket, messageId));
  socket.on('close', () => ofOrder.delete(socket));
}

publishBy(send);

function send(topupStatus: Row): void {
  const payload = JSON.stringify({ data: { topupStatus } });
  for (const [socket, messageId] of followers.get(topupStatus.id) ?? []) {
    socket.send(`{"id":"${messageId}","type":"next","payload":${payload}}`);
  }
}

listen(server);
