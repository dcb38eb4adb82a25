import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { isAllowedOrigin, isForUs } from '../../src/transports/origin.ts';
import { blocksIn } from '../support/markdown.ts';

const code = (language: string) => blocksIn(language).map((block) => block.code);

/** The names that the proxies pass on as `Host`. */
const proxied = [
  ...code('nginx').flatMap((text) => text.match(/(?<=server_name )[\w.]+/g) ?? []),
  ...code('caddyfile').flatMap((text) => text.match(/^[\w.]+(?= \{)/gm) ?? []),
];

const origins = code('ini').flatMap((text) => text.match(/(?<=^ALLOWED_ORIGINS=).+/gm) ?? []);

describe('the deployment that the documentation shows', () => {
  it('serves under the name that its proxies pass on, and to the pages of the shop', () => {
    expect([proxied.length, origins.length]).toEqual([2, 1]);
    const { host, allowedOrigins, anyHost } = parseConfig({
      ALLOWED_ORIGINS: origins[0],
      AUTH_JWT_SECRET: 'x'.repeat(32),
    });
    for (const name of proxied) {
      const headers = { host: name };
      const request = { headers, headersDistinct: { host: [name] } } as unknown as IncomingMessage;
      expect(isForUs(request, { host, allowedOrigins, anyHost })).toBe(true);
    }
    const page = { origin: 'https://shop.example', host: proxied[0] };
    expect(isAllowedOrigin(page, allowedOrigins)).toBe(true);
  });
});
