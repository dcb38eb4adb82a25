import { once } from 'node:events';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { textFrame } from '../../src/transports/websocket/text-frame.ts';
import { encodeFrame, TEXT } from '../support/raw-web-socket.ts';

/** What a client is told that is sent some bytes, as it says good-bye at a text of `last`. */
async function toldBy(bytes: Buffer, last: string): Promise<string[]> {
  const server = new WebSocketServer({ port: 0, perMessageDeflate: false });
  server.on('connection', (_socket, request) => request.socket.write(bytes));
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const told: string[] = [];
  client.on('message', (data, isBinary) => {
    expect(isBinary).toBe(false);
    told.push(String(data));
    if (told.at(-1) === last) client.close();
  });
  await once(client, 'close');
  server.close();
  return told;
}

const TEXTS = [
  ...[0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000].map((length) => 'x'.repeat(length)),
  'رقم الهاتف غير صحيح 📞',
  // 126 bytes, of fewer characters.
  `${'é'.repeat(62)}xx`,
];

it.each(TEXTS.map((text) => [Buffer.byteLength(text), text] as const))(
  'a text of %i bytes is one message, and nothing is left of it',
  async (_bytes, text) => {
    const last = 'the last';
    const both = Buffer.concat([textFrame(text), textFrame(last)]);
    expect(await toldBy(both, last)).toEqual([text, last]);
  },
);

// Strict clients refuse a length that takes more bytes than it needs (RFC 6455, section 5.2).
it.each(TEXTS.map((text) => [Buffer.byteLength(text), text] as const))(
  'the length of a text of %i bytes takes as few bytes as it can',
  (_bytes, text) => {
    expect(textFrame(text)).toEqual(encodeFrame({ opcode: TEXT, payload: text, isMasked: false }));
  },
);
