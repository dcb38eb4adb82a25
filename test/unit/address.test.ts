import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { addressOf, networkOf } from '../../src/limits/address.ts';

const PROXY = '10.0.0.9';

function requestFrom(remoteAddress: string | undefined, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe('a client', () => {
  it('is where its socket comes from, whatever it writes, where no proxy is trusted', () => {
    expect(addressOf(requestFrom('192.0.2.1', '192.0.2.7'), 0)).toBe('192.0.2.1');
    expect(addressOf(requestFrom(undefined), 0)).toBe('unknown');
  });

  it.each([
    [1, '192.0.2.7', '192.0.2.7'],
    [1, '192.0.2.6, 192.0.2.7', '192.0.2.7'],
    [2, '192.0.2.5,192.0.2.6 , 192.0.2.7', '192.0.2.6'],
    [2, '2001:db8::5, 192.0.2.7', '2001:db8:0:0::/64'],
    [1, '192.0.2.7:4000', '192.0.2.7'],
    [1, '[2001:db8::5]:4000', '2001:db8:0:0::/64'],
    [1, '[2001:db8::5]', '2001:db8:0:0::/64'],
    [1, '2001:db8::5:4000', '2001:db8:0:0::/64'],
  ])('behind %i proxies that say %j is %s', (trusted, forwarded, address) => {
    expect(addressOf(requestFrom(PROXY, forwarded), trusted)).toBe(address);
  });

  it.each([
    [1, undefined],
    [1, ''],
    [1, '192.0.2.7, nobody'],
    [1, '192.0.2.7:'],
    [1, '[192.0.2.7'],
    [2, '192.0.2.7'],
  ])('is the proxy, of %i, where they say nothing of use: %j', (trusted, forwarded) => {
    expect(addressOf(requestFrom(PROXY, forwarded), trusted)).toBe(PROXY);
  });
});

describe('a network', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['unknown', 'unknown'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001::2:3:4:5:6:7', '2001:0:2:3::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
