import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ELSEWHERE } from './attacked-gateway.ts';

/** Opens a connection from the attackers' address, over which any bytes may be sent. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: ELSEWHERE });
  // The gateway may reset the connection after invalid input.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** All that is received until the connection closes. */
export async function answerOf(socket: Socket): Promise<string> {
  let answer = '';
  socket.setEncoding('latin1');
  socket.on('data', (text) => {
    answer += text;
  });
  await closed(socket);
  return answer;
}

/** Resolves when a socket is closed. Not `once` of node:events, which rejects on an `error` event. */
export async function closed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

/** Sends a text, byte for byte, and reads until the connection closes: the request should say `Connection: close`. */
export async function exchange(port: number, said: string): Promise<string> {
  const socket = await connectTo(port);
  socket.write(said, 'latin1');
  return answerOf(socket);
}

/** The statuses of all responses in a text, one for each request that the server recognised. */
export function statusesIn(answer: string): readonly number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
