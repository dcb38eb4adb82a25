import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { LazyPage } from '../../src/transports/graphiql/lazy-page.ts';

it('the page is rendered once, and again only where that failed', async () => {
  const renders: string[] = [];
  const page = new LazyPage(async () => {
    renders.push(`render ${renders.length + 1}`);
    if (renders.length === 1) throw new Error('too many open files');
    return '<body><script>play()</script></body>';
  });
  const server = createServer((_request, response) => {
    page.send(response).catch(() => response.writeHead(500).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const statuses: number[] = [];
  for (let visit = 1; visit <= 3; visit += 1) {
    const response = await fetch(`http://127.0.0.1:${port}`);
    await response.text();
    statuses.push(response.status);
  }
  server.close();
  server.closeAllConnections();
  expect(statuses).toEqual([500, 200, 200]);
  expect(renders).toEqual(['render 1', 'render 2']);
});
