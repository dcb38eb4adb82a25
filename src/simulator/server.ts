import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { CONTROL_PREFIX, control } from './control.ts';
import type { Simulator } from './simulator.ts';
import { ConnectionReset } from './transport.ts';

/** Anyone who can reach the simulator can control it, so it listens on this machine only. */
const HOST = '127.0.0.1';

interface SimulatorServer extends AsyncDisposable {
  /** Without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Closes the server and all open connections. */
  close(): Promise<void>;
}

/**
 * Serves a simulator on this machine, with its controls under `/simulator/`. Port 0 takes any free port. Rejects if the
 * port is in use.
 */
export async function startSimulatorServer(
  simulator: Simulator,
  options: { readonly port: number },
): Promise<SimulatorServer> {
  const server = createServer((incoming, outgoing) => {
    void serve(simulator, incoming, outgoing);
  });
  server.listen(options.port, HOST);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;

  async function close(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
  return { url: `http://${HOST}:${port}`, port, close, [Symbol.asyncDispose]: close };
}

async function serve(
  simulator: Simulator,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  try {
    await send(await answer(simulator, await toRequest(incoming), gone.signal), outgoing);
  } catch (error) {
    // The client has disconnected, so there is nobody to answer.
    if (gone.signal.aborted) return;
    if (error instanceof ConnectionReset || outgoing.headersSent) incoming.socket.resetAndDestroy();
    else outgoing.writeHead(500).end('the simulator itself failed\n');
  }
}

function answer(simulator: Simulator, request: Request, signal: AbortSignal): Promise<Response> {
  return new URL(request.url).pathname.startsWith(CONTROL_PREFIX)
    ? control(simulator, request)
    : simulator.fetch(request, { signal });
}

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const { method = 'GET', url = '/' } = incoming;
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const body = await text(incoming);
  return new Request(new URL(`http://${HOST}${url}`), {
    method,
    headers,
    body: method === 'GET' || method === 'HEAD' ? null : body,
  });
}

/** Streams the body as fast as the client reads, so that a huge body is never held in memory. */
async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) outgoing.end();
  else await pipeline(response.body, outgoing);
}
