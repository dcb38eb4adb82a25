/** The upstream of the bench: knows every order, answers after a given delay, and counts calls. */
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { onCommand, tell } from './messages.ts';
import { indexOf, rowOf, upstreamTopup } from './rows.ts';

const CHECK = '/v3/internet/check-id/';
const LIST = '/v3/internet/list';

let delayMs = 0;
let calls = 0;

const server = createServer(async (request, response) => {
  const { url = '/' } = request;
  // Lists are not counted: the gateway makes them regardless of the queries.
  if (!url.startsWith(LIST)) calls += 1;
  if (url.startsWith(CHECK)) {
    const data = upstreamTopup(indexOf(url.slice(CHECK.length)));
    answer(response, { success: true, data });
  } else if (url === '/graphql') {
    // For Hive Gateway, which can only proxy GraphQL.
    answer(response, { data: answerTo(JSON.stringify(await json(request))) });
  } else {
    answer(response, { success: true, data: { topups: [] } });
  }
});

function answer(response: ServerResponse, body: unknown): void {
  const send = () =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (delayMs === 0) send();
  else setTimeout(send, delayMs);
}

/** The response to Hive's query, whose variables contain one id under any name. Its cache queries types by an alias. */
function answerTo(body: string) {
  const id = /"([0-9a-f]{24})"/.exec(body.replaceAll('\\"', '"'))?.[1] ?? '';
  const row = rowOf(indexOf(id));
  const alias = '__responseCacheTypeName';
  if (!body.includes(alias)) return { topup: row };
  return { [alias]: 'Query', topup: { ...row, [alias]: 'Topup' } };
}

onCommand((command) => {
  if (command.kind === 'delay') {
    delayMs = command.delayMs;
    calls = 0;
    tell({ kind: 'done' });
  } else if (command.kind === 'calls') tell({ kind: 'calls', calls });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) {
    tell({ kind: 'listening', port: address.port });
  }
});
