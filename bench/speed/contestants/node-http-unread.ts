/** The barest `node:http` server: sends the same bytes to every request without reading it. */
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
