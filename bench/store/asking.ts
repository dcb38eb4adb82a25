/** The clients of a measured gateway: just enough that it never waits for them. */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';

const AT_ONCE = 16;

export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Sends all operations, and resolves once each is answered. */
export type Ask = (operations: readonly Operation[]) => Promise<void>;

/** Over HTTP, on keep-alive connections. `ask` rejects if a response has errors or no order. */
export function overHttp(url: string): { readonly ask: Ask; readonly close: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const post = async (operation: Operation) => {
    const body = JSON.stringify(operation);
    const answer = await answerTo(url, { agent, body });
    if (!answer.startsWith('{"data":{"topup":{')) throw new Error(`${body}: ${answer}`);
  };
  return { ask: (operations) => sixteenAtOnce(operations, post), close: () => agent.destroy() };
}

function answerTo(
  url: string,
  { agent, body }: { readonly agent: Agent; readonly body: string },
): Promise<string> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', agent, headers }, (response) => {
      text(response).then(resolve, reject);
    })
      .on('error', reject)
      .end(body);
  });
}

/**
 * Over sockets that stay open, each with one subscription at a time, until it completes. `ask` rejects if a
 * subscription does not bring exactly `events` events.
 */
export async function overWebSocket(
  url: string,
  { events }: { readonly events: number },
): Promise<{ readonly ask: Ask; readonly close: () => void }> {
  const sockets = await Promise.all(Array.from({ length: AT_ONCE }, () => connected(url)));
  const idle = [...sockets];
  const subscribe = async (operation: Operation) => {
    const socket = idle.pop();
    if (socket === undefined) throw new Error('more at once than there are sockets');
    const seen = await eventsOf(socket, operation);
    if (seen !== events) throw new Error(`${JSON.stringify(operation)}: ${seen} events`);
    idle.push(socket);
  };
  return {
    ask: (operations) => sixteenAtOnce(operations, subscribe),
    close: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}

function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.once('message', () => resolve(socket));
  });
}

/** The number of events until the subscription completes. */
function eventsOf(socket: WebSocket, payload: Operation): Promise<number> {
  return new Promise((resolve, reject) => {
    let events = 0;
    const onClose = (code: number) => reject(new Error(`a socket was closed with ${code}`));
    const onMessage = (data: unknown) => {
      const message = String(data);
      if (message.includes('"type":"ping"')) socket.send('{"type":"pong"}');
      else if (message.includes('"type":"next"') && !message.includes('"errors"')) events += 1;
      else {
        socket.off('message', onMessage).off('close', onClose);
        if (message.includes('"type":"complete"')) resolve(events);
        else reject(new Error(message));
      }
    };
    socket.on('message', onMessage).on('close', onClose);
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
  });
}

async function sixteenAtOnce(
  operations: readonly Operation[],
  send: (operation: Operation) => Promise<void>,
): Promise<void> {
  const left = operations.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const operation of left) await send(operation);
    }),
  );
}
