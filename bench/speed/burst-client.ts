/** Sends very many queries for one id at once, each on a connection of its own that is already open. */
import { connect, type Socket } from 'node:net';
import { onCommand, tell } from './messages.ts';
import { QUERY } from './rows.ts';

/** How many connections are opened at a time. */
const AT_ONCE = 200;

/** A response that has not come by then counts as missing. */
const PATIENCE_MS = 60_000;

onCommand((command) => {
  if (command.kind !== 'ask at once') return;
  const { url, times, id } = command;
  void ask(new URL(url), times, id).then((answer) => tell({ kind: 'asked', ...answer }));
});

async function ask(url: URL, times: number, id: string) {
  const sockets = await opened(url, times);
  const body = JSON.stringify({ query: QUERY, variables: { id } });
  const request = `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const leave = () => {
    for (const socket of sockets) socket.destroy();
  };
  const from = performance.now();
  const timer = setTimeout(leave, PATIENCE_MS);
  const answers = await Promise.all(sockets.map((socket) => answered(socket, request)));
  const lastMs = performance.now() - from;
  clearTimeout(timer);
  leave();
  return { lastMs, answered: answers.filter((text) => isRight(text, id)).length };
}

async function opened(url: URL, times: number): Promise<readonly Socket[]> {
  const all: Socket[] = [];
  while (all.length < times) {
    const some = Array.from({ length: Math.min(AT_ONCE, times - all.length) }, () => open(url));
    all.push(...(await Promise.all(some)));
  }
  return all;
}

function open(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The response, or as much of it as came before the connection ended. */
function answered(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('}}}') || text.includes('"errors"')) resolve(text);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => resolve(text));
    socket.write(request);
  });
}

function isRight(text: string, id: string): boolean {
  return text.startsWith('HTTP/1.1 200') && text.includes(`"id":"${id}"`);
}
