import { once, on as whenever } from 'node:events';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type FormattedExecutionResult, print } from 'graphql';
import { WebSocket } from 'ws';

/**
 * GraphQL as it is sent, without a client library: a test reads exactly what the gateway sent, not what a library has
 * made of it.
 */
export interface Operation<Data> {
  readonly document: string | TypedDocumentNode<Data, never>;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
}

export interface HttpAnswer<Data> {
  readonly httpStatus: number;
  readonly contentType: string | null;
  readonly body: FormattedExecutionResult<Data>;
}

export interface Addresses {
  readonly url: string;
  readonly wsUrl: string;
}

/** Yields each result, and returns when the gateway completes the operation. Throws if the connection ends before. */
export type Follow = <Data>(
  gateway: Addresses,
  operation: Operation<Data>,
) => AsyncGenerator<FormattedExecutionResult<Data>, void>;

export async function post<Data>(
  { url }: Pick<Addresses, 'url'>,
  operation: Operation<Data>,
  accept = 'application/json',
): Promise<HttpAnswer<Data>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: toBody(operation),
  });
  return {
    httpStatus: response.status,
    contentType: response.headers.get('content-type'),
    body: await json(response),
  };
}

/** The data of a query that must succeed; rejects if there are errors or no data. */
export async function ask<Data>(
  gateway: Pick<Addresses, 'url'>,
  operation: Operation<Data>,
): Promise<Data> {
  const { body } = await post(gateway, operation);
  if (body.errors !== undefined || body.data == null) {
    throw new Error(`the gateway answered ${JSON.stringify(body)}`);
  }
  return body.data;
}

export const overServerSentEvents: Follow = async function* <Data>(
  { url }: Addresses,
  operation: Operation<Data>,
) {
  const leave = new AbortController();
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: toBody(operation),
      signal: leave.signal,
    });
    for await (const { event, data } of eventsOf(response)) {
      if (event === 'complete') return;
      if (event === 'next') yield parse<Data>(data);
    }
  } finally {
    leave.abort();
  }
  throw new Error('the event stream broke off before it was complete');
};

export const overWebSocket: Follow = async function* <Data>(
  { wsUrl }: Addresses,
  operation: Operation<Data>,
) {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  const messages = whenever(socket, 'message', { close: ['close'] });
  try {
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    for await (const [data] of messages) {
      const { type, payload } = parseMessage<Data>(String(data));
      if (type === 'connection_ack') {
        socket.send(`{"id":"1","type":"subscribe","payload":${toBody(operation)}}`);
      }
      // An `error` message combines what server-sent events express by a result and a completion.
      if (type === 'next' || type === 'error') yield payload;
      if (type === 'complete' || type === 'error') return;
    }
  } finally {
    socket.terminate();
  }
  throw new Error('the socket closed before the operation was complete');
};

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  return Array.fromAsync(items);
}

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** The events of an event stream (HTML standard, 9.2), as far as GraphQL over SSE needs them. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerSentEvent, void> {
  let unread = '';
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    unread += text;
    const blocks = unread.split('\n\n');
    unread = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: ?(.*)$/m.exec(block)?.[1];
      if (event !== undefined) yield { event, data: /^data: ?(.*)$/m.exec(block)?.[1] ?? '' };
    }
  }
}

function toBody<Data>({ document, variables, operationName }: Operation<Data>): string {
  const query = typeof document === 'string' ? document : print(document);
  return JSON.stringify({ query, variables, operationName });
}

async function json<Data>(response: Response): Promise<FormattedExecutionResult<Data>> {
  return parse(await response.text());
}

/** Unchecked: the type follows from the gateway's schema, and a test's assertions reveal any difference. */
function parse<Data>(text: string): FormattedExecutionResult<Data> {
  return JSON.parse(text);
}

function parseMessage<Data>(text: string): {
  readonly type: string;
  readonly payload: FormattedExecutionResult<Data>;
} {
  const { type, payload } = JSON.parse(text);
  return { type, payload: Array.isArray(payload) ? { errors: payload } : payload };
}
