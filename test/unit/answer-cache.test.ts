import { describe, expect, it } from 'vitest';
import { AnswerCache } from '../../src/answers/answer-cache.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';

const OTHER_ID = 'f'.repeat(24);

function open({ mostBytes = 100_000 } = {}) {
  const clock = new ManualClock();
  const log = createMemoryStore();
  const cache = new AnswerCache<string>({ log, clock, mostBytes });
  const write = (orderId = ORDER_ID) =>
    log.record(observation({ orderId, observedAt: clock.now() }), () => null);
  const keep = (key: string, orders = [ORDER_ID]) => {
    const draft = cache.draft();
    for (const order of orders) draft.order(order);
    cache.keep(draft, key, { value: `answer to ${key}`, bytes: 100 });
    return draft;
  };
  return { clock, cache, write, keep };
}

describe('the cache of answers', () => {
  it('gives an answer again until anything is written of an order in it', async () => {
    const { cache, keep, write } = open();
    keep('a', [ORDER_ID, OTHER_ID]);
    expect(cache.get('a')).toBe('answer to a');
    await write('e'.repeat(24));
    expect(cache.get('a')).toBe('answer to a');
    await write(OTHER_ID);
    expect(cache.get('a')).toBeUndefined();
  });

  it('gives none again for longer because the clock was set back', () => {
    const { cache, clock, keep } = open();
    keep('a');
    clock.set(-3_600_000);
    expect(cache.get('a')).toBeUndefined();
  });

  it('never keeps one that was overtaken while it was made', async () => {
    const { cache, write } = open();
    const draft = cache.draft();
    draft.order(ORDER_ID);
    await write();
    cache.keep(draft, 'a', { value: 'of before', bytes: 100 });
    expect(cache.get('a')).toBeUndefined();
  });

  it('keeps one that shows nothing of a check when its order is found as it was', async () => {
    const { cache, write } = open();
    await write();
    for (const [key, showsCheck] of [
      ['state', false],
      ['check', true],
    ] as const) {
      const draft = cache.draft();
      draft.order(ORDER_ID);
      if (showsCheck) draft.check();
      cache.keep(draft, key, { value: key, bytes: 100 });
    }
    await write();
    expect([cache.get('state'), cache.get('check')]).toEqual(['state', undefined]);
  });

  it('never keeps one that shows a check which was overtaken by another while it was made', async () => {
    const { cache, write } = open();
    await write();
    const [early, late, none] = [cache.draft(), cache.draft(), cache.draft()];
    for (const draft of [early, late, none]) draft.order(ORDER_ID);
    early.check();
    await write();
    late.check();
    // Nor is it given to who comes after: what it will show may not be known yet.
    expect([early, late, none].map((draft) => cache.mayShare(draft))).toEqual([
      false,
      false,
      false,
    ]);
    for (const [key, draft] of Object.entries({ early, late, none })) {
      cache.keep(draft, key, { value: key, bytes: 100 });
    }
    expect(['early', 'late', 'none'].map((key) => cache.get(key))).toEqual([
      undefined,
      undefined,
      'none',
    ]);
  });

  it('gives it no longer than it holds, to the millisecond', async () => {
    const { cache, clock } = open();
    const draft = cache.draft();
    draft.order(ORDER_ID);
    draft.until(clock.now() + 500);
    draft.until(clock.now() + 900);
    cache.keep(draft, 'a', { value: 'answer', bytes: 100 });
    await clock.advance(500);
    expect(cache.get('a')).toBe('answer');
    await clock.advance(1);
    expect(cache.get('a')).toBeUndefined();
  });

  it('lets an answer fall with its order, though another of that order fell before', async () => {
    const { cache, clock, keep, write } = open();
    keep('a');
    const draft = cache.draft();
    draft.order(ORDER_ID);
    draft.until(clock.now() + 500);
    cache.keep(draft, 'b', { value: 'answer', bytes: 100 });
    await clock.advance(501);
    expect([cache.get('a'), cache.get('b')]).toEqual(['answer to a', undefined]);
    await write();
    expect(cache.get('a')).toBeUndefined();
  });

  it('shares one that is being made for no longer than it will hold', async () => {
    const { cache, clock } = open();
    const draft = cache.draft();
    draft.order(ORDER_ID);
    draft.until(clock.now() + 500);
    await clock.advance(500);
    expect(cache.mayShare(draft)).toBe(true);
    await clock.advance(1);
    expect(cache.mayShare(draft)).toBe(false);
  });

  it('keeps nothing for long that nobody hears changes of', async () => {
    const { cache, clock, keep } = open();
    keep('a');
    await clock.advance(60_001);
    expect(cache.get('a')).toBeUndefined();
  });

  it('keeps none that rests on no order, or on what nobody tells changes of', () => {
    const { cache, keep } = open();
    keep('a', []);
    expect(cache.get('a')).toBeUndefined();
    const draft = cache.draft();
    draft.order(ORDER_ID);
    draft.never();
    cache.keep(draft, 'b', { value: 'answer', bytes: 100 });
    expect(cache.get('b')).toBeUndefined();
  });

  it('is bounded: those that nobody asked for longest go', () => {
    const { cache, keep } = open({ mostBytes: 10_000 });
    for (let nth = 0; nth < 100; nth += 1) {
      keep(`answer ${nth}`);
      cache.get('answer 0');
    }
    expect(cache.get('answer 0')).toBeDefined();
    expect(cache.get('answer 1')).toBeUndefined();
    expect(cache.get('answer 99')).toBeDefined();
  });

  it('counts the orders of an answer as well, and takes none that is larger than all may be', async () => {
    const { cache, keep } = open({ mostBytes: 10_000 });
    keep('few', [ORDER_ID]);
    const many = Array.from({ length: 100 }, (_, nth) => String(nth).padStart(24, '0'));
    const draft = keep('many', many);
    expect([cache.get('few'), cache.get('many')]).toEqual(['answer to few', undefined]);
    // Given up altogether: no order holds it any more.
    expect(draft.holdsUntil).toBe(Number.NEGATIVE_INFINITY);
  });

  it('holds nothing of an answer that was given up, whatever its resolvers go on to tell', async () => {
    const { cache, write } = open();
    const [dropped, overtaken] = [cache.draft(), cache.draft()];
    cache.drop(dropped);
    overtaken.order(ORDER_ID);
    await write();
    for (const draft of [dropped, overtaken]) draft.order(OTHER_ID);
    expect([dropped.orders, overtaken.orders]).toEqual([[], [ORDER_ID]]);
  });

  it('gives the newer of two answers to one key, whichever falls', async () => {
    const { cache, keep, write } = open();
    keep('a');
    keep('a', [OTHER_ID]);
    await write(ORDER_ID);
    expect(cache.get('a')).toBe('answer to a');
    await write(OTHER_ID);
    expect(cache.get('a')).toBeUndefined();
  });
});
