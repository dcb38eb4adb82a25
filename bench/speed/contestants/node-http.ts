/** A bare `node:http` server: reads the body, finds the id and sends bytes made beforehand. */
import { createServer } from 'node:http';
import { rowOf } from '../rows.ts';
import { listen } from './common.ts';

const answers = new Map<string, Buffer>();
for (let index = 0; index < 1_000; index += 1) {
  const topup = rowOf(index);
  answers.set(topup.id, Buffer.from(JSON.stringify({ data: { topup } })));
}
const nothing = Buffer.from('{"data":{"topup":null}}');

listen(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { variables } = JSON.parse(Buffer.concat(chunks).toString());
      const answer = answers.get(variables.id) ?? nothing;
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': answer.length,
      });
      response.end(answer);
    });
  }),
);
