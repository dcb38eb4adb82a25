/**
 * Many subscribers in one process, which record when events arrive. They use bare sockets with graphql-transport-ws, or
 * event streams.
 */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { WebSocket } from 'ws';
import { moment, type OpenSubscribers, onCommand, readStamp, tell } from './messages.ts';
import { idOf, SUBSCRIPTION } from './rows.ts';

/** How many subscriptions are opened at a time. */
const AT_ONCE = 200;

const delays = new Map<number, number[]>();
let subscribers = 0;

onCommand((command) => {
  if (command.kind === 'open') void open(command).then(() => tell({ kind: 'opened' }));
});

const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

async function open(asked: OpenSubscribers): Promise<void> {
  const subscribe = asked.over === 'WebSocket' ? overWebSocket : overEventStream;
  subscribers = asked.subscribers;
  const indexes = Array.from({ length: asked.subscribers }, (_, index) => index);
  for (let from = 0; from < indexes.length; from += AT_ONCE) {
    await Promise.all(
      indexes
        .slice(from, from + AT_ONCE)
        .map((index) => subscribe(asked.url, idOf(asked.own ? index : 0))),
    );
  }
}

/** Resolves once the operation has been sent. Only the first event shows that it runs. */
function overWebSocket(url: string, id: string): Promise<void> {
  const payload = { query: SUBSCRIPTION, variables: { id } };
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => fail(`a socket was closed: ${code} ${reason}`));
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data) => {
      const text = String(data);
      if (text.includes('"connection_ack"')) {
        // A random id, as clients of graphql-ws use: so no two messages have the same bytes.
        socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload }));
        resolve();
      } else if (text.includes('"ping"')) socket.send('{"type":"pong"}');
      else if (text.includes('"errors"')) fail(text);
      else note(text);
    });
  });
}

/** Resolves once the response has begun. */
function overEventStream(url: string, id: string): Promise<void> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, method: 'POST', headers }, (response) => {
      let unread = '';
      response.setEncoding('utf8').on('data', (text) => {
        const events = (unread + text).split('\n\n');
        unread = events.pop() ?? '';
        for (const event of events) {
          if (event.includes('"errors"')) fail(event);
          note(event);
        }
      });
      response.on('end', () => fail('a stream was ended'));
      resolve();
    });
    asked.on('error', reject);
    asked.end(JSON.stringify({ query: SUBSCRIPTION, variables: { id } }));
  });
}

function note(text: string): void {
  const now = moment();
  const stamp = readStamp(text);
  if (stamp === undefined) return;
  const ofEvent = delays.get(stamp.sequence) ?? [];
  delays.set(stamp.sequence, ofEvent);
  ofEvent.push(now - stamp.at);
  if (ofEvent.length < subscribers) return;
  delays.delete(stamp.sequence);
  tell({ kind: 'delivered', sequence: stamp.sequence, delaysMs: ofEvent });
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
