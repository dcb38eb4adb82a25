/** A bare `node:http` server of event streams: remembers the subscribers of each order, sends them the same bytes. */
import { createServer, type ServerResponse } from 'node:http';
import type { Row } from '../rows.ts';
import { listen, publishBy } from './common.ts';

const followers = new Map<string, Set<ServerResponse>>();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { variables } = JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write(':\n\n');
    follow(response, variables.id);
  });
});

function follow(response: ServerResponse, orderId: string): void {
  const ofOrder = followers.get(orderId) ?? new Set<ServerResponse>();
  followers.set(orderId, ofOrder.add(response));
  response.on('close', () => ofOrder.delete(response));
}

publishBy(send);

function send(topupStatus: Row): void {
  const event = `event: next\ndata: ${JSON.stringify({ data: { topupStatus } })}\n\n`;
  for (const response of followers.get(topupStatus.id) ?? []) response.write(event);
}

listen(server);
