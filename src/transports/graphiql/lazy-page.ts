import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

interface Page {
  /** One buffer for all clients: nine megabytes for each would be a way to fill the memory. */
  readonly html: Buffer;
  readonly contentSecurityPolicy: string;
}

/** Whether a browser wants the page rather than a GraphQL response. */
export function wantsPage({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && (headers.accept ?? '').includes('text/html');
}

/** The page is sent in pieces: only by the pieces that have gone out can a client be seen to read. */
const PIECE_BYTES = 65_536;

function* piecesOf(html: Buffer): Generator<Buffer, void> {
  for (let at = 0; at < html.length; at += PIECE_BYTES) yield html.subarray(at, at + PIECE_BYTES);
}

/** A page that is rendered when it is first requested, and then kept. */
export class LazyPage {
  readonly #render: () => Promise<string>;
  #page: Promise<Page> | undefined;

  constructor(render: () => Promise<string>) {
    this.#render = render;
  }

  async send(response: ServerResponse): Promise<void> {
    this.#page ??= this.#make();
    const { html, contentSecurityPolicy } = await this.#page;
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': html.length,
      'content-security-policy': contentSecurityPolicy,
    });
    await pipeline(Readable.from(piecesOf(html)), response).catch(() => response.destroy());
  }

  async #make(): Promise<Page> {
    try {
      const html = await this.#render();
      return { html: Buffer.from(html), contentSecurityPolicy: policyOf(html) };
    } catch (error) {
      // The next visitor may have more luck, for example with a free file descriptor.
      this.#page = undefined;
      throw error;
    }
  }
}

/**
 * Allows what GraphiQL needs, and nothing else: its own script, identified by its hash; the workers that the script
 * creates from code of its own; the styles that its editor writes at run time; fonts and images embedded in the page;
 * and connections to the gateway, over HTTP and WebSocket.
 */
function policyOf(html: string): string {
  return [
    "default-src 'none'",
    `script-src '${hashOfScript(html)}'`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'font-src data:',
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The hash of the only script in the body, which comes last in the page. */
function hashOfScript(html: string): string {
  const body = html.indexOf('<body');
  const start = html.indexOf('<script>', body) + '<script>'.length;
  const script = html.slice(start, html.indexOf('</script>', start));
  return `sha256-${createHash('sha256').update(script).digest('base64')}`;
}
