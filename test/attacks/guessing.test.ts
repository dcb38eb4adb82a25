import { describe, expect } from 'vitest';
import { fulfilledAtOnce } from '../../src/simulator/life.ts';
import { type AttackedGateway, attacksOn, ticketWith } from '../support/attacked-gateway.ts';
import { AttackingSocket } from '../support/attacking-socket.ts';

// Timing takes more questions than one address may ask to be looked up.
const attack = attacksOn({ UNCACHED_LOOKUPS_PER_MINUTE: '100000' });

const UNKNOWN_ID = '6901616fe9e88196b4eb64b2';
const QUESTIONS = 150;

/** A ticket for one order, which is not the one that its holder is after. */
const narrowTicket = () => ticketWith({ topups: ['f'.repeat(24)], scope: 'status card' });

/** An order that the log does not hold, but that OneClickDz knows. */
const unseenOrder = (target: AttackedGateway) =>
  target.simulator.addOrder({ plan: fulfilledAtOnce() });

describe('an id that the ticket does not name', () => {
  attack('is answered as one that does not exist, and nobody is asked', async (target) => {
    const ticket = await narrowTicket();
    const before = target.simulator.calls.total;
    const fields = 'id status cardCode history { edges { node { cardCode } } }';
    const ask = async (id: string) =>
      (await target.post({ query: `{ topup(id: "${id}", maxAge: 0) { ${fields} } }` }, ticket))
        .text;
    const answers = await Promise.all([target.orderId, unseenOrder(target), UNKNOWN_ID].map(ask));
    expect(answers).toEqual(Array(3).fill('{"data":{"topup":null}}'));
    expect(target.simulator.calls.total).toBe(before);
  });

  attack('is answered no sooner and no later than one that does not exist', async (target) => {
    const ticket = await narrowTicket();
    // One document, so that all of them know it.
    const query = 'query ($id: ID!) { topup(id: $id) { cardCode } }';
    const kinds = [
      () => target.orderId,
      () => unseenOrder(target),
      (n: number) => UNKNOWN_ID.slice(0, -4) + n.toString(16).padStart(4, '0'),
    ];
    // A call to OneClickDz takes far longer than that, even to one on this machine. What other tests do to the
    // machine may hit one kind more than another, though hardly three times over.
    let [apart, attempts] = [Number.POSITIVE_INFINITY, 0];
    while (apart >= 0.25 && attempts < 3) {
      apart = await howFarApart(kinds, (id) => target.post({ query, variables: { id } }, ticket));
      attempts += 1;
    }
    expect(apart).toBeLessThan(0.25);
  });

  attack('is nowhere in a list of a hundred', async (target) => {
    const ids = [...Array(99).fill(UNKNOWN_ID), target.orderId];
    const query = 'query ($ids: [ID!]!) { topups(ids: $ids) { id cardCode } }';
    const { text } = await target.post({ query, variables: { ids } }, await narrowTicket());
    expect(JSON.parse(text)).toEqual({ data: { topups: Array(100).fill(null) } });
  });

  attack('ends a subscription as one that does not exist, at once', async (target) => {
    const socket = await AttackingSocket.open(target.port);
    socket.begin({ authorization: await narrowTicket() });
    await socket.message('connection_ack');
    const told: string[] = [];
    for (const id of [target.orderId, UNKNOWN_ID]) {
      socket.messages.length = 0;
      socket.subscribe(id, `subscription { topupStatus(id: "${id}") { cardCode } }`);
      const { payload } = await socket.message('next');
      await socket.message('complete');
      told.push(JSON.stringify(payload));
    }
    expect(told[0]).toBe(told[1]);
    expect(told[0]).toContain('TOPUP_NOT_FOUND');
    socket.leave();
  });

  attack('is not told by an error for the field that is not allowed', async (target) => {
    const ticket = await ticketWith({ topups: ['f'.repeat(24)], scope: 'status' });
    const ask = async (id: string) =>
      (await target.post({ query: `{ topup(id: "${id}") { cardCode } }` }, ticket)).text;
    expect(await ask(target.orderId)).toBe(await ask(UNKNOWN_ID));
  });
});

describe('card codes', () => {
  attack('are not to be had by another name, fragment or type', async (target) => {
    const ticket = await ticketWith({ topups: [target.orderId], scope: 'status' });
    const { cardCode } = JSON.parse(
      (await target.post({ query: `{ topup(id: "${target.orderId}") { cardCode } }` })).text,
    ).data.topup;
    expect(cardCode).toMatch(/^\d+$/);
    for (const selection of [
      'status: cardCode',
      '... on TopupState { cardCode }',
      'cardCode @include(if: true)',
      'history { edges { node { cardCode } } }',
      'history(last: 1) { edges { node { ... on TopupState { x: cardCode } } } }',
    ]) {
      const query = `{ topup(id: "${target.orderId}") { ${selection} } }`;
      const { text, codes } = await target.post({ query }, ticket);
      expect([selection, codes]).toEqual([selection, ['FORBIDDEN']]);
      expect(text).not.toContain(cardCode);
    }
  });
});

describe('an id that is a trick', () => {
  const TRICKS: readonly (readonly [name: string, id: string])[] = [
    ['a path', '../../admin'],
    ['a path, encoded', '..%2f..%2fadmin'],
    ['a path, encoded twice', '%252e%252e%252f'],
    ['a query of the upstream', 'a?key=1'],
    ['a fragment of an address', 'a#b'],
    ['a second header', 'a\r\nX-Access-Token: x'],
    ['a NUL', 'a\u0000b'],
    ['full-width dots and a slash', '．．／a'],
    ['letters that read from right to left', 'a\u202eb'],
    ['half a surrogate pair', '\ud800'],
    ['SQL', "a' OR '1'='1"],
    ['nothing', ''],
    ['a blank', ' '],
    ['longer than any', 'a'.repeat(50_000)],
  ];
  for (const [name, id] of TRICKS) {
    attack(name, async (target) => {
      const before = target.simulator.calls.total;
      const query = 'query ($id: ID!) { topup(id: $id) { id } }';
      const { status, codes } = await target.post({ query, variables: { id } });
      expect([status, codes]).toEqual([200, ['BAD_USER_INPUT']]);
      expect(target.simulator.calls.total).toBe(before);
    });
  }

  for (const id of ['__proto__', 'constructor', 'hasOwnProperty', '-', '00']) {
    attack(`a word of the language: ${id}`, async (target) => {
      const query = 'query ($id: ID!) { topup(id: $id) { id } topups(ids: [$id]) { id } }';
      const { text } = await target.post({ query, variables: { id } });
      expect(JSON.parse(text)).toEqual({ data: { topup: null, topups: [null] } });
    });
  }
});

/** What a busy machine adds to some answers is not in it. */
function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? Number.NaN;
}

/** How much sooner or later answers of the first kinds come than those of the last, as a part of the time. */
async function howFarApart(
  kinds: readonly ((n: number) => string)[],
  ask: (id: string | undefined) => Promise<unknown>,
): Promise<number> {
  const tookMs = kinds.map((): number[] => []);
  for (let n = 0; n < QUESTIONS * kinds.length; n += 1) {
    const which = n % kinds.length;
    // Another one each time, since what was looked for once is remembered.
    const id = kinds[which]?.(n);
    const startedAt = performance.now();
    await ask(id);
    tookMs[which]?.push(performance.now() - startedAt);
  }
  const quartiles = tookMs.map(lowerQuartile);
  const last = quartiles.at(-1) ?? Number.NaN;
  return Math.max(...quartiles.map((quartile) => Math.abs(quartile / last - 1)));
}
