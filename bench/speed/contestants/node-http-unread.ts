/** The barest `node:http` server: the same bytes for everybody, and nothing of the request is read. */
import { createServer } from 'node:http';
import { rowOf } from '../rows.ts';
import { listen } from './common.ts';

const answer = Buffer.from(JSON.stringify({ data: { topup: rowOf(0) } }));

listen(
  createServer((_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': answer.length,
    });
    response.end(answer);
  }),
);
