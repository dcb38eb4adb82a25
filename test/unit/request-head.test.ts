import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { usualHead } from '../../src/answers/request-head.ts';

/** An `undefined` takes a header away. */
type Headers = Readonly<Record<string, string | undefined>>;

interface Sent {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Headers;
  /** Behind all others. */
  readonly more?: readonly string[];
}

const POSTED: Headers = {
  Host: 'gateway.example',
  'Content-Type': 'application/json',
  'Content-Length': '2',
  Accept: 'application/json',
  Origin: 'https://shop.example',
  'Sec-Fetch-Site': 'cross-site',
};
const ASKED: Headers = { ...POSTED, 'Content-Type': undefined, 'Content-Length': undefined };

function headOf({ method = 'POST', url, headers, more = [] }: Sent): string | undefined {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.url = url ?? (method === 'POST' ? '/graphql' : '/graphql?query={a}');
  const usual = method === 'POST' ? POSTED : ASKED;
  for (const [name, value] of Object.entries({ ...usual, ...headers })) {
    if (value === undefined) continue;
    request.rawHeaders.push(name, value);
    request.headers[name.toLowerCase()] = value;
  }
  // Of two hosts, Node's `headers` has the first.
  request.rawHeaders.push(...more);
  return usualHead(request, '/graphql');
}

describe.each(['POST', 'GET'])('the head of a usual %s', (method) => {
  const usual = headOf({ method });

  it('is the same whatever the answer does not depend on', () => {
    const headers = {
      Authorization: 'Bearer x',
      'User-Agent': 'x',
      'X-Request-Id': 'x',
      Date: 'x',
    };
    expect(usual).toBeDefined();
    expect(headOf({ method, headers })).toBe(usual);
  });

  it.each<[header: string, value: string]>([
    ['Host', 'other.example'],
    ['Content-Type', 'application/json; charset=latin1'],
    ['Accept', 'text/event-stream'],
    ['Origin', 'https://evil.example'],
    ['Sec-Fetch-Site', 'same-origin'],
  ])('is another one with another %s', (header, value) => {
    const other = headOf({ method, headers: { [header]: value } });
    expect(other).toBeDefined();
    expect(other).not.toBe(usual);
  });

  it('tells apart where a value stands', () => {
    const nothing = { Accept: undefined, Origin: undefined, 'Sec-Fetch-Site': undefined };
    const heads = ['Accept', 'Origin', 'Sec-Fetch-Site', 'Nowhere'].map((header) =>
      headOf({ method, headers: { ...nothing, [header]: 'x' } }),
    );
    expect(new Set(heads)).not.toContain(undefined);
    expect(new Set(heads).size).toBe(heads.length);
  });

  it.each<[why: string, sent: Sent]>([
    ['without a host', { headers: { Host: undefined } }],
    ['of two hosts', { more: ['Host', 'gateway.example'] }],
    ['of two hosts, whatever their case', { more: ['hOST', 'evil.example'] }],
    ['with an encoding', { headers: { 'Content-Encoding': 'gzip' } }],
    ['in chunks', { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['that expects to be told to go on', { headers: { Expect: '100-continue' } }],
    ['that asks which method is allowed', { headers: { 'Access-Control-Request-Method': 'POST' } }],
    ['that asks which headers are', { headers: { 'Access-Control-Request-Headers': 'x' } }],
    ['that wants another protocol', { headers: { Upgrade: 'websocket' } }],
    ['to another path', { url: '/metrics?query={a}' }],
    ['to a longer path', { url: '/graphqls?query={a}' }],
  ])('is none for one %s', (_why, sent) => {
    expect(headOf({ method, ...sent })).toBeUndefined();
  });
});

it('the head of a GET is another one with another query', () => {
  expect(headOf({ method: 'GET' })).not.toBe(headOf({ method: 'GET', url: '/graphql?query={b}' }));
});

it.each<[why: string, sent: Sent]>([
  ['a POST with a query in its address', { url: '/graphql?query={a}' }],
  ['a POST of another type', { headers: { 'Content-Type': 'text/plain' } }],
  ['a POST without a type', { headers: { 'Content-Type': undefined } }],
  ['a POST without a length', { headers: { 'Content-Length': undefined } }],
  ['a GET without a query', { method: 'GET', url: '/graphql' }],
  ['a GET with a body', { method: 'GET', headers: { 'Content-Length': '2' } }],
  ['a GET of the page', { method: 'GET', headers: { Accept: 'image/png, text/html' } }],
  ['a HEAD', { method: 'HEAD' }],
  ['a PUT like a POST', { method: 'PUT', url: '/graphql', headers: POSTED }],
])('%s is not usual', (_why, sent) => {
  expect(headOf(sent)).toBeUndefined();
});
