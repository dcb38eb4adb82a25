import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Connections } from '../../src/limits/connections.ts';

const ADDRESSES = ['a', 'b', 'c'] as const;

it('there are places in all and for each address, and each that is left is free again, once', () => {
  const address = fc.constantFrom(...ADDRESSES);
  const steps = fc.array(fc.record({ address, leaves: fc.boolean() }), { minLength: 30 });
  const limits = fc.record({
    most: fc.integer({ min: 1, max: 6 }),
    mostPerAddress: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(limits, steps, ({ most, mostPerAddress }, taken) => {
      const connections = new Connections({ most, mostPerAddress });
      const open: string[] = [];
      const expectedFor = (address: string) => {
        if (open.length >= most) return 'connections';
        const ofAddress = open.filter((other) => other === address).length;
        return ofAddress >= mostPerAddress ? 'connections_per_address' : undefined;
      };
      for (const { address, leaves } of taken) {
        if (leaves && open.includes(address)) {
          open.splice(open.indexOf(address), 1);
          connections.leave(address);
        } else if (expectedFor(address) === undefined) {
          open.push(address);
          connections.enter(address);
        }
        for (const each of ADDRESSES) expect(connections.refusalOf(each)).toBe(expectedFor(each));
      }
    }),
    { seed: 7 },
  );
});
