import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, vi } from 'vitest';
import { type AttackedGateway, attacksOn } from '../support/attacked-gateway.ts';
import { AttackingSocket, type Message } from '../support/attacking-socket.ts';
import { ledLife } from '../support/led-life.ts';
import { answerOf, closed, connectTo, exchange, statusesIn } from '../support/raw-http.ts';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  encodeFrame,
  type Frame,
  HANDSHAKE,
  PING,
  RawWebSocket,
  TEXT,
} from '../support/raw-web-socket.ts';

const attack = attacksOn(
  { CONNECTION_INIT_TIMEOUT_MS: '500', REQUEST_TIMEOUT_MS: '1000' },
  fillDocuments,
);

const INIT = '{"type":"connection_init"}';
const MEGABYTE = 1_048_576;
/** Made before, since that takes this process a while in which it could ask nothing. */
const HUGE = encodeFrame({ opcode: BINARY, payload: Buffer.alloc(64 * MEGABYTE, 0x20) });

/** A socket that has begun, with a ticket for everything. */
async function begun(target: AttackedGateway): Promise<AttackingSocket> {
  const socket = await AttackingSocket.open(target.port);
  socket.begin({ authorization: target.ticket });
  await socket.message('connection_ack');
  return socket;
}

/** Fills the caches of documents, which stay as full as they may be from then on. */
async function fillDocuments(target: AttackedGateway): Promise<void> {
  const socket = await begun(target);
  const fields = 'id status '.repeat(30);
  for (let n = 0; n < 100; n += 1) {
    socket.subscribe(`w${n}`, `query W${n} { topup(id: "${target.orderId}") { ${fields} } }`);
  }
  const completed = () => socket.messages.filter(({ type }) => type === 'complete').length;
  await vi.waitUntil(() => completed() === 100, { timeout: 15_000 });
  socket.leave();
}

/** Waits until no attacker has a subscription left. */
const allLeft = (target: AttackedGateway) =>
  expect.poll(() => target.metric('topup_gateway_subscriptions')).toBe(0);

describe('frames', () => {
  const FRAMES: readonly (readonly [
    name: string,
    code: number | undefined,
    frames: readonly Frame[],
  ])[] = [
    ['of 64 MB, by what its head says', 1_009, [{ opcode: TEXT, claimedBytes: 64 * MEGABYTE }]],
    ['longer than all memory', 1_009, [{ opcode: TEXT, claimedBytes: 2 ** 52 }]],
    [
      'in pieces that together are too long',
      1_009,
      [
        { opcode: TEXT, payload: 'x'.repeat(60_000), isLast: false },
        { opcode: CONTINUATION, payload: 'x'.repeat(60_000), isLast: false },
      ],
    ],
    ['that go on with nothing', 1_002, [{ opcode: CONTINUATION, payload: INIT }]],
    [
      'that begin anew in the middle',
      1_002,
      [
        { opcode: TEXT, payload: '{', isLast: false },
        { opcode: TEXT, payload: INIT },
      ],
    ],
    ['that are not masked', 1_002, [{ opcode: TEXT, payload: INIT, isMasked: false }]],
    ['of a kind that there is not', 1_002, [{ opcode: 3, payload: INIT }]],
    ['that say they are compressed', 1_002, [{ opcode: TEXT, payload: INIT, reserved: 4 }]],
    ['with reserved bits', 1_002, [{ opcode: TEXT, payload: INIT, reserved: 3 }]],
    ['of text that is no UTF-8', 1_007, [{ opcode: TEXT, payload: Buffer.from([0xc3, 0x28]) }]],
    [
      'of bytes that are no message',
      4_400,
      [{ opcode: BINARY, payload: Buffer.alloc(1_000, 0xff) }],
    ],
    ['of text that is no message', 4_400, [{ opcode: TEXT, payload: 'hello' }]],
    ['that are empty', 4_400, [{ opcode: TEXT }]],
    ['of a ping that is too long', 1_002, [{ opcode: PING, payload: 'x'.repeat(126) }]],
    ['of a ping in pieces', 1_002, [{ opcode: PING, isLast: false }]],
    ['of a close with half a code', 1_002, [{ opcode: CLOSE, payload: 'x' }]],
    [
      'of a close with a code that nobody may send',
      1_002,
      [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xed]) }],
    ],
  ];
  for (const [name, code, frames] of FRAMES) {
    attack(name, async ({ port }) => {
      const socket = await RawWebSocket.open(port);
      socket.write(...frames);
      expect(await socket.closeCode()).toBe(code);
      socket.leave();
    });
  }

  attack('of 64 MB, sent in earnest', async (target) => {
    const before = await target.refusals('message_size');
    const raw = await RawWebSocket.open(target.port);
    for (let at = 0; at < HUGE.length && !raw.socket.destroyed; at += MEGABYTE) {
      if (raw.socket.write(HUGE.subarray(at, at + MEGABYTE))) continue;
      await Promise.race([drained(raw.socket), closed(raw.socket)]);
    }
    await expect.poll(() => target.refusals('message_size')).toBe(before + 1);
    raw.leave();
  });

  attack('of nothing, without an end', async (target) => {
    const before = await target.refusals('message_size');
    const socket = await RawWebSocket.open(target.port);
    socket.begin(target.ticket);
    await socket.told();
    const pieces = Array.from(
      { length: 20_000 },
      (): Frame => ({ opcode: CONTINUATION, isLast: false }),
    );
    socket.write({ opcode: TEXT, isLast: false }, ...pieces);
    expect(await socket.closeCode()).toBe(1_008);
    await expect.poll(() => target.refusals('message_size')).toBe(before + 1);
    socket.leave();
  });

  attack('a byte at a time, and never whole', async (target) => {
    const sockets = await Promise.all(
      Array.from({ length: 50 }, () => RawWebSocket.open(target.port)),
    );
    const dripping = setInterval(() => {
      for (const { socket } of sockets) socket.write(' ');
    }, 50);
    for (const { socket } of sockets)
      socket.write(encodeFrame({ opcode: TEXT, claimedBytes: 90_000 }));
    const codes = await Promise.all(sockets.map((socket) => socket.closeCode()));
    clearInterval(dripping);
    expect(codes).toEqual(Array(50).fill(4_408));
    for (const socket of sockets) socket.leave();
  });
});

describe('messages', () => {
  const SAID: readonly (readonly [name: string, code: number, messages: readonly unknown[]])[] = [
    [
      'a subscription before the beginning',
      4_401,
      [{ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } }],
    ],
    ['two beginnings', 4_429, [{ type: 'connection_init' }, { type: 'connection_init' }]],
    ['a type that there is not', 4_400, [{ type: 'connection_init' }, { type: 'shutdown' }]],
    ['a type that is a prototype', 4_400, [{ type: '__proto__' }]],
    [
      'the language of before',
      4_400,
      [
        { type: 'connection_init' },
        { id: '1', type: 'start', payload: { query: '{ __typename }' } },
      ],
    ],
    [
      'what only a server says',
      4_400,
      [
        { type: 'connection_init' },
        { id: '1', type: 'next', payload: {} },
        { id: '1', type: 'subscribe' },
      ],
    ],
    [
      'an operation without a document',
      4_400,
      [{ type: 'connection_init' }, { id: '1', type: 'subscribe', payload: {} }],
    ],
    [
      'an operation without an id',
      4_400,
      [{ type: 'connection_init' }, { type: 'subscribe', payload: { query: '{ __typename }' } }],
    ],
    [
      'an empty id',
      4_400,
      [
        { type: 'connection_init' },
        { id: '', type: 'subscribe', payload: { query: '{ __typename }' } },
      ],
    ],
    [
      'variables that are a text',
      4_400,
      [
        { type: 'connection_init' },
        { id: '1', type: 'subscribe', payload: { query: '{ __typename }', variables: 'x' } },
      ],
    ],
    [
      'what only a server says, spelled otherwise',
      4_400,
      [{ type: 'connection_init' }, '{"id":"1","type":"n\\u0065xt","payload":{}}'],
    ],
    ['a list in place of a message', 4_400, [[{ type: 'connection_init' }]]],
    ['null', 4_400, [null]],
    [
      'a ticket that is an object',
      4_403,
      [{ type: 'connection_init', payload: { authorization: { toString: 'Bearer x' } } }],
    ],
    [
      'a ticket that is a list',
      4_403,
      [{ type: 'connection_init', payload: { authorization: ['Bearer x.y.z'] } }],
    ],
  ];
  for (const [name, code, messages] of SAID) {
    attack(name, async ({ port }) => {
      const socket = await AttackingSocket.open(port);
      for (const message of messages) socket.send(message);
      expect((await socket.closed)[0]).toBe(code);
    });
  }

  attack('with lists as long as a message may be', async ({ port, ticket }) => {
    const sockets = await Promise.all(Array.from({ length: 4 }, () => RawWebSocket.open(port)));
    for (const socket of sockets) socket.begin(ticket);
    await Promise.all(sockets.map((socket) => socket.told()));
    const payload = `{"type":"pong","payload":{"a":[${'0,'.repeat(48_000)}0]}}`;
    const list: Frame = { opcode: TEXT, payload };
    const last: Frame = { opcode: TEXT, payload: '{"type":"ping"}' };
    for (const socket of sockets) socket.write(...Array<Frame>(100).fill(list), last);
    const answered = () => sockets.every((socket) => socket.count(TEXT) === 2);
    await vi.waitUntil(answered, { timeout: 20_000 });
    for (const socket of sockets) socket.leave();
  });
});

describe('operations', () => {
  attack('of one id', async (target) => {
    const socket = await begun(target);
    const id = target.simulator.addOrder({ plan: ledLife().plan });
    socket.subscribe('1', `subscription { topupStatus(id: "${id}") { status } }`);
    await socket.message('next');
    socket.subscribe('1', '{ __typename }');
    expect(await socket.closed).toEqual([4_409, 'Subscriber for 1 already exists']);
    await allLeft(target);
  });

  attack('more than a socket may have', async (target) => {
    const before = await target.refusals('subscriptions_per_connection');
    const socket = await begun(target);
    const id = target.simulator.addOrder({ plan: ledLife().plan });
    for (let n = 0; n < 110; n += 1) {
      socket.subscribe(`${n}`, `subscription { topupStatus(id: "${id}") { status } }`);
    }
    await expect.poll(() => socket.messages.filter(({ type }) => type === 'error').length).toBe(10);
    expect(socket.messages.find(({ type }) => type === 'error')).toMatchObject({
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    expect(await target.refusals('subscriptions_per_connection')).toBe(before + 10);
    socket.leave();
    await allLeft(target);
  });

  for (const id of ['__proto__', 'constructor', 'toString', '\u0000', 'x'.repeat(50_000)]) {
    attack(`whose id is ${JSON.stringify(id.slice(0, 20))}`, async (target) => {
      const socket = await begun(target);
      socket.subscribe(id, '{ __typename }');
      expect(await socket.message('next')).toEqual({
        id,
        type: 'next',
        payload: { data: { __typename: 'Query' } },
      });
      socket.send({ id, type: 'complete' });
      socket.subscribe(id, '{ __typename }');
      await expect.poll(() => socket.messages.filter(({ type }) => type === 'next').length).toBe(2);
      socket.leave();
    });
  }

  attack(
    'that are costly, as many as may be, on many sockets',
    async (target) => {
      const query =
        '{__schema{types{name description fields{name description args{name description type{name}}type{name}}}}}';
      const sockets = await Promise.all(Array.from({ length: 60 }, () => begun(target)));
      for (const socket of sockets) {
        for (let n = 0; n < 90; n += 1) socket.subscribe(String(n), query);
      }
      const completed = ({ messages }: AttackingSocket) =>
        messages.filter(({ type }) => type === 'complete').length;
      // Each waits for its turn among 5,400, which takes a slow machine long.
      await expect
        .poll(() => Math.min(...sockets.map(completed)), { timeout: 45_000 })
        .toBeGreaterThanOrEqual(10);
      for (const socket of sockets) socket.leave();
    },
    60_000,
  );

  attack(
    'that follow one order, each in a costly way of its own',
    async (target) => {
      const life = ledLife();
      const id = target.simulator.addOrder({ plan: life.plan });
      const pages = Array.from({ length: 30 }, (_, n) => `h${n}: history(first: 4) { ...Page }`);
      const query = `subscription ($id: ID!, $after: String) { topupStatus(id: $id, after: $after) { ${pages.join(' ')} } }
        fragment Page on TopupHistoryConnection { edges { cursor node { ref type number status isFinal cardCode version } } }`;
      const sockets = await Promise.all(Array.from({ length: 20 }, () => begun(target)));
      for (const [at, socket] of sockets.entries()) {
        for (let n = 0; n < 90; n += 1) {
          // Of another log: all begin with the latest state, and no two have the same variables.
          const after = Buffer.from(`${at}-${n}@1`).toString('base64url');
          const payload = { query, variables: { id, after } };
          socket.send({ id: String(n), type: 'subscribe', payload });
        }
      }
      const told = (times: number) =>
        sockets.every(
          ({ messages }) => messages.filter(({ type }) => type === 'next').length >= 90 * times,
        );
      await vi.waitUntil(() => told(1), { timeout: 45_000 });
      life.goOn('CHECKING');
      await vi.waitUntil(() => told(2), { timeout: 45_000 });
      for (const socket of sockets) socket.leave();
      await allLeft(target);
    },
    100_000,
  );

  attack('that hold much, and never end', async (target) => {
    const before = await target.refusals('subscriptions_size');
    const id = target.simulator.addOrder({ plan: ledLife().plan });
    const socket = await begun(target);
    const isRefused = ({ type, payload }: Message) =>
      type === 'error' && JSON.stringify(payload).includes('LIMIT_EXCEEDED');
    const refused = () => socket.messages.filter(isRefused).length;
    // Each another document, too long to be remembered: some five hundred kilobytes once it is parsed.
    for (let n = 0; n < 50; n += 1) {
      const fields = `${'id status '.repeat(480)} # ${'x'.repeat(1_000)}\n`;
      socket.subscribe(`d${n}`, `subscription S${n} { topupStatus(id: "${id}") { ${fields} } }`);
    }
    await expect.poll(refused).toBe(50 - 3);
    const query = 'subscription ($id: ID!) { topupStatus(id: $id) { status } }';
    const variables = { id, more: 'x'.repeat(80_000) };
    for (let n = 0; n < 20; n += 1) {
      socket.send({ id: `v${n}`, type: 'subscribe', payload: { query, variables } });
    }
    await expect.poll(refused).toBe(50 - 3 + 20);
    expect(await target.refusals('subscriptions_size')).toBe(before + 50 - 3 + 20);
    socket.leave();
    // As many as may be, each with its id in its text, are not too much.
    const other = await begun(target);
    for (let n = 0; n < 100; n += 1) {
      const fields = `a${n}: status cardCode isFinal`;
      other.subscribe(`s${n}`, `subscription { topupStatus(id: "${id}") { ${fields} } }`);
    }
    const begunOnes = () => other.messages.filter(({ type }) => type === 'next').length;
    await expect.poll(begunOnes).toBe(100);
    other.leave();
    await allLeft(target);
  });

  attack('that are ended before they begin', async (target) => {
    const socket = await begun(target);
    for (const id of ['1', '__proto__']) socket.send({ id, type: 'complete' });
    socket.subscribe('1', '{ __typename }');
    expect(await socket.message('complete')).toEqual({ id: '1', type: 'complete' });
    socket.leave();
  });

  for (const [limit, query] of [
    ['aliases', `{ ${Array.from({ length: 60 }, (_, n) => `a${n}: __typename`).join(' ')} }`],
    ['depth', `{ ${'a { '.repeat(50)} a ${'} '.repeat(50)} }`],
    ['tokens', `{ ${'__typename '.repeat(2_000)} }`],
  ] as const) {
    attack(`beyond the limit of ${limit}`, async (target) => {
      const before = await target.refusals(limit);
      const socket = await begun(target);
      socket.subscribe('1', query);
      expect(await socket.message('error')).toMatchObject({
        payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
      });
      expect(await target.refusals(limit)).toBe(before + 1);
      socket.leave();
    });
  }
});

describe('sockets', () => {
  attack(
    'by the thousand from one address',
    async (target) => {
      const before = await target.refusals('connections_per_address');
      // Those that are let in begin at once, and so stay.
      const said = Buffer.concat([
        Buffer.from(HANDSHAKE),
        encodeFrame({ opcode: TEXT, payload: INIT }),
      ]);
      const opened: Socket[] = [];
      const open = async () => {
        const socket = await connectTo(target.port);
        opened.push(socket);
        socket.write(said);
        const status = await firstStatus(socket);
        if (status !== 101) await closed(socket);
        return status;
      };
      try {
        const statuses = await Promise.all(Array.from({ length: 1_000 }, open));
        const count = (status: number) => statuses.filter((each) => each === status).length;
        // If this process is held up, it asks too late on some connections.
        const refused = 1_000 - count(101) - count(408);
        expect(refused).toBeGreaterThan(0);
        expect(opened.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(200);
        expect(await target.refusals('connections_per_address')).toBe(before + refused);
      } finally {
        for (const socket of opened) socket.destroy();
        // All places are free again, for the attacks that follow.
        await expect
          .poll(() =>
            begun(target).then(
              (socket) => socket.leave(),
              () => 'refused',
            ),
          )
          .toBeUndefined();
      }
    },
    60_000,
  );

  attack('that never begin', async (target) => {
    const before = await target.refusals('connection_init');
    const open = Array.from({ length: 100 }, () => AttackingSocket.open(target.port));
    const sockets = await Promise.all(open);
    const ends = await Promise.all(sockets.map(({ closed }) => closed));
    expect(ends).toEqual(Array(100).fill([4_408, 'Connection initialisation timeout']));
    await expect.poll(() => target.refusals('connection_init')).toBe(before + 100);
  });

  attack('that shake hands a letter at a time', async (target) => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => connectTo(target.port)));
    const dripping = setInterval(() => {
      for (const socket of sockets) socket.write('x');
    }, 100);
    for (const socket of sockets) socket.write(HANDSHAKE.slice(0, -2));
    for (const socket of sockets) socket.write('X-A: ');
    const answers = await Promise.all(sockets.map(answerOf));
    clearInterval(dripping);
    expect(answers.flatMap(statusesIn)).toEqual(Array(50).fill(408));
  });

  attack('of which half is closed', async (target) => {
    const sockets = await Promise.all(
      Array.from({ length: 50 }, () => RawWebSocket.open(target.port)),
    );
    for (const socket of sockets) socket.begin(target.ticket);
    for (const socket of sockets) {
      await socket.told();
      socket.socket.end();
    }
    // The gateway closes its half, too.
    for (const { socket } of sockets) await closed(socket);
  });

  attack('that vanish with all their subscriptions', async (target) => {
    const id = target.simulator.addOrder({ plan: ledLife().plan });
    for (let n = 0; n < 20; n += 1) {
      const socket = await begun(target);
      for (let m = 0; m < 20; m += 1) {
        socket.subscribe(`${m}`, `subscription { topupStatus(id: "${id}") { status } }`);
      }
      await socket.message('next');
      socket.leave();
    }
    await allLeft(target);
  });

  attack('that ping without an end', async (target) => {
    const before = await target.refusals('message_rate');
    const socket = await RawWebSocket.open(target.port);
    socket.begin(target.ticket);
    await socket.told();
    socket.write(
      ...Array.from({ length: 5_000 }, (): Frame => ({ opcode: PING, payload: 'x'.repeat(125) })),
    );
    expect(await socket.closeCode()).toBe(4_429);
    expect(await target.refusals('message_rate')).toBe(before + 1);
    socket.leave();
  });

  attack('that ask without an end', async (target) => {
    const before = await target.refusals('message_rate');
    const socket = await begun(target);
    for (let n = 0; n < 5_000; n += 1) socket.subscribe(`${n}`, '{ __typename }');
    expect(await socket.closed).toEqual([4_429, 'More than 50 messages a second']);
    expect(await target.refusals('message_rate')).toBe(before + 1);
    await allLeft(target);
  });

  const UPGRADES: readonly (readonly [
    name: string,
    status: number,
    from: string | RegExp,
    to: string,
  ])[] = [
    ['at another path', 404, '/graphql ', '/metrics '],
    ['from a foreign page', 403, '\r\n\r\n', '\r\nOrigin: https://evil.example\r\n\r\n'],
    ['from a page without an origin', 403, '\r\n\r\n', '\r\nOrigin: null\r\n\r\n'],
    ['of a version of before', 400, 'Version: 13', 'Version: 7'],
    ['without a key', 400, /Sec-WebSocket-Key.*\r\n/, ''],
    ['with a key that is none', 400, 'dGhlIHNhbXBsZSBub25jZQ==', 'x'],
    ['by POST', 405, 'GET', 'POST'],
  ];
  for (const [name, status, from, to] of UPGRADES) {
    attack(`opened ${name}`, async ({ port }) => {
      const answer = await exchange(port, HANDSHAKE.replace(from, to));
      expect(statusesIn(answer)).toEqual([status]);
    });
  }

  attack('that speak no language of the gateway', async ({ port }) => {
    const socket = await RawWebSocket.open(port, HANDSHAKE.replace('graphql-transport-ws', 'mqtt'));
    expect(await socket.closeCode()).toBe(4_406);
    socket.leave();
  });

  attack('that offer to compress', async ({ port }) => {
    const socket = await connectTo(port);
    const offer = '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n';
    socket.write(HANDSHAKE.replace('\r\n\r\n', offer));
    const [head] = await once(socket, 'data');
    expect(String(head)).toMatch(/^HTTP\/1\.1 101 /);
    expect(String(head)).not.toMatch(/permessage-deflate/);
    socket.destroy();
  });
});

/** The status of the first response; `undefined` if the connection is closed, or reset, before one can be read. */
function firstStatus(socket: Socket): Promise<number | undefined> {
  return new Promise((resolve) => {
    socket.once('data', (head) => resolve(statusesIn(String(head))[0]));
    socket.once('close', () => resolve(undefined));
  });
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('drain', () => resolve()));
}
