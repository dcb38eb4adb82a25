import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';

/**
 * Where a request comes from: the address of its socket or, behind trusted proxies, the address that the outermost of
 * them saw. Each proxy adds the address that it was called from to the right end of X-Forwarded-For; anybody may have
 * written what is further left.
 */
export function addressOf(request: IncomingMessage, trustedProxies: number): string {
  const ofSocket = request.socket.remoteAddress ?? 'unknown';
  if (trustedProxies === 0) return networkOf(ofSocket);
  const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  const seen = withoutPort(forwarded.at(-trustedProxies)?.trim() ?? '');
  return networkOf(isIP(seen) === 0 ? ofSocket : seen);
}

/** Some proxies add the port, which differs for each connection of a client: `192.0.2.7:4000`, `[2001:db8::5]:4000`. */
function withoutPort(address: string): string {
  const [, v6, v4] = /^(?:\[(.+)\]|([\d.]+))(?::\d+)?$/.exec(address) ?? [];
  return v6 ?? v4 ?? address;
}

/** The address, or of an IPv6 address its /64: a provider gives each customer at least that many addresses. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || isIPv4(address) || isIP(address) === 0) return mapped ?? address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const groups = [...left, ...(tail === undefined ? [] : zeros), ...right];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
