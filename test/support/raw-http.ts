import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ELSEWHERE } from './attacked-gateway.ts';

/** A connection from elsewhere, over which anything may be said. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: ELSEWHERE });
  // Some of what is said here has the other side hang up.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** All that comes back until the other side closes. */
export async function answerOf(socket: Socket): Promise<string> {
  let answer = '';
  socket.setEncoding('latin1');
  socket.on('data', (text) => {
    answer += text;
  });
  await closed(socket);
  return answer;
}

/** Resolves when a socket is closed. Not `once` of node:events, which an error would have fail. */
export async function closed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

/** Says something, byte for byte, and reads until the other side closes: the request should ask for that. */
export async function exchange(port: number, said: string): Promise<string> {
  const socket = await connectTo(port);
  socket.write(said, 'latin1');
  return answerOf(socket);
}

/** The statuses of all answers in a text, one for each request that the other side has found in it. */
export function statusesIn(answer: string): readonly number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
