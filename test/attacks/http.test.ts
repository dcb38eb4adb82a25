import { once } from 'node:events';
import { describe, expect } from 'vitest';
import { type AttackedGateway, attacksOn, ticketWith } from '../support/attacked-gateway.ts';
import { ledLife } from '../support/led-life.ts';
import { answerOf, connectTo, exchange, statusesIn } from '../support/raw-http.ts';

const PAGE = { headers: { accept: 'text/html' } };

const attack = attacksOn({ REQUEST_TIMEOUT_MS: '1000', SLOW_CLIENT_TIMEOUT_MS: '1000' }, (target) =>
  target.send(PAGE),
);

const QUERY = '{"query":"{ __typename }"}';
const WHOLE_SCHEMA =
  '{__schema{types{name description fields{name description args{name description type{name}}type{name}}}}}';
const HOST = 'Host: 127.0.0.1';
const POST = `POST /graphql HTTP/1.1\r\n${HOST}\r\nContent-Type: application/json`;
const CLOSE = 'Connection: close';
const SOCKETS = 'nodejs_active_resources{type="TCPSocketWrap"}';

/** What each of these comes to: every answer that the gateway gives, and what the last must hold. */
const RAW: readonly (readonly [name: string, said: string, statuses: readonly number[]])[] = [
  ['two lengths', `${POST}\r\nContent-Length: 26\r\nContent-Length: 5\r\n\r\n${QUERY}`, [400]],
  [
    'a length and chunks',
    `${POST}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n${QUERY}\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n${HOST}\r\n\r\n`,
    [400],
  ],
  [
    'chunks by another name',
    `${POST}\r\nTransfer-Encoding: xchunked\r\n\r\n1a\r\n${QUERY}\r\n0\r\n\r\n`,
    [400],
  ],
  [
    'chunks that are said twice',
    `${POST}\r\nTransfer-Encoding: chunked, identity\r\n${CLOSE}\r\n\r\n0\r\n\r\n`,
    [400],
  ],
  ['a blank before the colon', `${POST}\r\nContent-Length : 26\r\n\r\n${QUERY}`, [400]],
  ['a length below zero', `${POST}\r\nContent-Length: -1\r\n\r\n`, [400]],
  ['a length in hexadecimal', `${POST}\r\nContent-Length: 0x1a\r\n\r\n${QUERY}`, [400]],
  [
    'a chunk larger than all memory',
    `${POST}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`,
    [400],
  ],
  [
    'a request within the body of another',
    `${POST}\r\nContent-Length: 0\r\n\r\nGET /metrics HTTP/1.1\r\n${HOST}\r\n${CLOSE}\r\n\r\n`,
    [200, 401],
  ],
  ['lines that end in LF alone', `${POST}\nContent-Length: 26\n\n${QUERY}`, [400]],
  ['a header that is folded', `${POST}\r\nX-A: a\r\n b\r\n${CLOSE}\r\n\r\n`, [400]],
  ['a NUL in a header', `${POST}\r\nX-A: a\0b\r\n${CLOSE}\r\n\r\n`, [400]],
  ['a CR in a header', `${POST}\r\nX-A: a\rSet-Cookie: a=b\r\n${CLOSE}\r\n\r\n`, [400]],
  ['no Host', `GET /health/live HTTP/1.1\r\n${CLOSE}\r\n\r\n`, [400]],
  [
    'two Hosts',
    `GET /health/live HTTP/1.1\r\n${HOST}\r\nHost: evil.example\r\n${CLOSE}\r\n\r\n`,
    [421],
  ],
  ['a Host that is none', `GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:x\r\n${CLOSE}\r\n\r\n`, [400]],
  [
    'a whole address for a path, and a Host with a port',
    `GET http://10.0.0.1/metrics HTTP/1.1\r\n${HOST}:4000\r\n${CLOSE}\r\n\r\n`,
    [400],
  ],
  ['no path and no Host', `GET * HTTP/1.0\r\n\r\n`, [400]],
  ['a header of twenty kilobytes', `${POST}\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, [431]],
  [
    'an address of twenty kilobytes',
    `GET /graphql?query=${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n\r\n`,
    [431],
  ],
  ['five thousand headers', `${POST}\r\n${'A: b\r\n'.repeat(5_000)}\r\n`, [431]],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['a version that there is not', `GET /health/live HTTP/9.9\r\n${HOST}\r\n\r\n`, [400]],
];

describe('a request', () => {
  for (const [name, said, statuses] of RAW) {
    attack(`with ${name}`, async ({ port }) => {
      const answer = await exchange(port, said);
      expect(statusesIn(answer)).toEqual(statuses);
      expect(answer).not.toContain('__typename');
      expect(answer).not.toMatch(/set-cookie/i);
    });
  }
});

describe('a connection that has had its answer', () => {
  for (const [name, said, status] of [
    ['a header of twenty kilobytes', `${POST}\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['no HTTP at all', 'nothing of the kind\r\n\r\n', 400],
  ] as const) {
    attack(`and comes with ${name}`, async ({ port }) => {
      const socket = await connectTo(port);
      socket.write(`GET /health/live HTTP/1.1\r\n${HOST}\r\n\r\n`);
      const [first] = await once(socket, 'data');
      expect(statusesIn(String(first))).toEqual([200]);
      socket.write(said, 'latin1');
      expect(statusesIn(await answerOf(socket))).toEqual([status]);
    });
  }
});

describe('a method', () => {
  for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
    attack(`that is not served: ${method}`, async (target) => {
      const headers = { 'content-type': 'application/json', authorization: target.ticket };
      const { status, text } = await target.send({ method, headers, body: QUERY });
      expect(status).toBe(405);
      expect(text).not.toContain(target.ticket);
    });
  }

  attack('that would make a proxy of the gateway: CONNECT', async ({ port }) => {
    const answer = await exchange(port, `CONNECT 10.0.0.1:22 HTTP/1.1\r\n${HOST}\r\n\r\n`);
    expect(answer).toBe('');
  });

  attack('that nobody knows', async ({ port }) => {
    expect(statusesIn(await exchange(port, `STEAL /graphql HTTP/1.1\r\n${HOST}\r\n\r\n`))).toEqual([
      400,
    ]);
  });
});

describe('a path', () => {
  for (const path of [
    '/graphql/../metrics',
    '/./metrics',
    '//metrics',
    '/metrics/',
    '/metrics%2f',
    '/%6detrics',
    '/METRICS',
    '/metrics;a=b',
    '/health/../../../../etc/passwd',
    '/health/%2e%2e/%2e%2e/etc/passwd',
    '/..%5c..%5cdata%5cgateway.db',
    '/data/gateway.db',
    '/.env',
    '/graphql%00',
    '/__proto__',
    '*',
  ]) {
    attack(`leads nowhere: ${path}`, async ({ port }) => {
      const answer = await exchange(port, `GET ${path} HTTP/1.1\r\n${HOST}\r\n${CLOSE}\r\n\r\n`);
      expect(statusesIn(answer)).toEqual([404]);
      expect(answer).not.toMatch(/topup_gateway_|root:|SQLite/);
    });
  }

  attack('that is a whole address leads to the same gateway', async ({ port }) => {
    const said = `GET http://10.0.0.1/metrics HTTP/1.1\r\n${HOST}\r\n${CLOSE}\r\n\r\n`;
    expect(statusesIn(await exchange(port, said))).toEqual([404]);
  });
});

describe('who asks around', () => {
  attack('learns of the metrics that they need a ticket for operators', async (target) => {
    const { status, codes, text } = await target.send({ path: '/metrics' });
    expect([status, codes, text.includes('nodejs')]).toEqual([401, ['UNAUTHENTICATED'], false]);
    const authorization = await ticketWith({ scope: 'status card' });
    const refused = await target.send({ path: '/metrics', headers: { authorization } });
    expect([refused.status, refused.codes]).toEqual([403, ['FORBIDDEN']]);
  });

  attack('learns nothing of orders from the health', async (target) => {
    const ready = await target.send({ path: `/health/ready?id=${target.orderId}` });
    expect([ready.status, ready.text]).toEqual([200, '{"status":"ready","problems":[]}\n']);
    const live = await target.send({ path: '/health/live' });
    expect([live.status, live.text]).toEqual([200, '{"status":"live"}\n']);
  });

  attack('cannot write a header of the answer, nor a line of the log', async (target) => {
    const id = 'evil\u0085{"level":60}';
    const { headers } = await target.send({ headers: { 'x-request-id': id } });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const path = '/%0d%0aSet-Cookie:a=b?redirect=//evil.example';
    const answer = await target.send({ path });
    expect([answer.status, answer.headers['set-cookie'], answer.headers['location']]).toEqual([
      404,
      undefined,
      undefined,
    ]);
    const home = await target.send({ path: '/', headers: { 'x-forwarded-host': 'evil.example' } });
    expect(home.headers['location']).toBe('/graphql');
  });
});

describe('connections', () => {
  /** Waits until the gateway has sent off so many that are named by the limit, more than before. */
  const sentOff = (target: AttackedGateway, limit: string, atLeast: number) =>
    expect.poll(() => target.refusals(limit)).toBeGreaterThanOrEqual(atLeast);

  attack('by the thousand from one address', async (target) => {
    const before = await target.refusals('connections_per_address');
    const sockets = await Promise.all(Array.from({ length: 1_000 }, () => connectTo(target.port)));
    await sentOff(target, 'connections_per_address', before + 100);
    // See docs/limits.md. The others are of the gateway itself, and of whoever asks for the metrics.
    expect(await target.metric(SOCKETS)).toBeLessThanOrEqual(400 + 10);
    for (const socket of sockets) socket.destroy();
  });

  attack('that send their head a letter at a time', async (target) => {
    const before = await target.refusals('request_timeout');
    const sockets = await Promise.all(Array.from({ length: 100 }, () => connectTo(target.port)));
    const dripping = setInterval(() => {
      for (const socket of sockets) socket.write('G');
    }, 100);
    for (const socket of sockets) socket.write('GET /graphql HTTP/1.1\r\nX-A: ');
    const answers = await Promise.all(sockets.map(answerOf));
    clearInterval(dripping);
    expect(answers.flatMap(statusesIn)).toEqual(Array(100).fill(408));
    await sentOff(target, 'request_timeout', before + 100);
  });

  attack('that send their body a letter at a time', async (target) => {
    const before = await target.refusals('request_timeout');
    const sockets = await Promise.all(Array.from({ length: 100 }, () => connectTo(target.port)));
    const dripping = setInterval(() => {
      for (const socket of sockets) socket.write(' ');
    }, 100);
    for (const socket of sockets) socket.write(`${POST}\r\nContent-Length: 90000\r\n\r\n{`);
    await Promise.all(sockets.map(answerOf));
    clearInterval(dripping);
    await sentOff(target, 'request_timeout', before + 100);
  });

  attack('that are told to go on and then say nothing', async (target) => {
    const said = `${POST}\r\nContent-Length: 26\r\nExpect: 100-continue\r\n\r\n`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => exchange(target.port, said)),
    );
    for (const answer of answers) expect(statusesIn(answer)).toEqual([100]);
  });

  attack('that never say a word', async (target) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => connectTo(target.port)));
    const answers = await Promise.all(sockets.map(answerOf));
    expect(answers.flatMap(statusesIn)).toEqual(Array(100).fill(408));
  });

  attack('that hang up in the middle', async (target) => {
    for (let n = 0; n < 100; n += 1) {
      const socket = await connectTo(target.port);
      socket.write(`${POST}\r\nContent-Length: 26\r\n\r\n{"query":`);
      socket.resetAndDestroy();
    }
  });

  attack('of which half is closed at once', async (target) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = await connectTo(target.port);
        socket.end(`GET /health/live HTTP/1.1\r\n${HOST}\r\n\r\n`);
        return answerOf(socket);
      }),
    );
    for (const answer of answers) expect(statusesIn(answer)).toEqual([200]);
  });

  attack('that send as many requests without waiting as they may', async (target) => {
    const last = `GET /health/live HTTP/1.1\r\n${HOST}\r\n${CLOSE}\r\n\r\n`;
    const answer = await exchange(target.port, last.replace(`${CLOSE}\r\n`, '').repeat(16) + last);
    expect(statusesIn(answer)).toEqual(Array(17).fill(200));
  });

  attack('that send ten thousand requests without waiting', async (target) => {
    const before = await target.refusals('pipelined');
    await exchange(target.port, `GET /health/live HTTP/1.1\r\n${HOST}\r\n\r\n`.repeat(10_000));
    await sentOff(target, 'pipelined', before + 1);
  });

  attack('that have requests pile up behind a stream without an end', async (target) => {
    const before = await target.refusals('pipelined');
    const orderId = target.simulator.addOrder({ plan: ledLife().plan });
    const query = encodeURIComponent(`subscription { topupStatus(id: "${orderId}") { status } }`);
    const ask = `GET /graphql?query=${query} HTTP/1.1\r\n${HOST}\r\nAuthorization: ${target.ticket}\r\nAccept: text/event-stream\r\n\r\n`;
    await exchange(target.port, ask.repeat(2_000));
    await sentOff(target, 'pipelined', before + 1);
  });

  attack('that ask what is costly, all at once', async (target) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => connectTo(target.port)));
    const query = encodeURIComponent(WHOLE_SCHEMA);
    const ask = `GET /graphql?query=${query} HTTP/1.1\r\n${HOST}\r\n`;
    const said = `${`${ask}\r\n`.repeat(8)}${ask}${CLOSE}\r\n\r\n`;
    for (const socket of sockets) socket.write(said);
    const answers = await Promise.all(sockets.map(answerOf));
    expect(answers.flatMap(statusesIn)).toEqual(Array(900).fill(200));
  });

  attack('that ask for the page again and again and read none of it', async (target) => {
    const before = await target.refusals('slow_client');
    const sockets = await Promise.all(Array.from({ length: 5 }, () => connectTo(target.port)));
    const page = `GET /graphql HTTP/1.1\r\n${HOST}\r\nAccept: text/html\r\n\r\n`;
    for (const socket of sockets) socket.pause().write(page.repeat(10));
    await sentOff(target, 'slow_client', before + 5);
    for (const socket of sockets) socket.destroy();
  });

  attack('that ask to speak another protocol', async (target) => {
    const upgrade = (protocol: string) => `Connection: Upgrade\r\nUpgrade: ${protocol}`;
    const length = `Content-Length: ${QUERY.length}`;
    // As Java's client asks: answered in the protocol that it asks in, on a connection that is closed then.
    for (const protocol of ['h2c', 'TLS/1.0']) {
      const said = `${POST}\r\n${length}\r\n${upgrade(protocol)}\r\n\r\n${QUERY}`;
      const answer = await exchange(target.port, said);
      expect(statusesIn(answer)).toEqual([200]);
      expect(answer).toMatch(/\{"data":\{"__typename":"Query"\}\}$/);
    }
    const both = `GET /graphql HTTP/1.1\r\n${HOST}\r\n${upgrade('websocket, h2c')}\r\n\r\n`;
    expect(statusesIn(await exchange(target.port, both))).toEqual([400]);
  });
});
