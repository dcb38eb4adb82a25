import fc from 'fast-check';
import { getNamedType, isLeafType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { freshUntil, planner } from '../../src/core/cadence.ts';
import type { Store } from '../../src/core/store.ts';
import type { Topups } from '../../src/core/topups.ts';
import { viewOf } from '../../src/core/view.ts';
import { GatewayError } from '../../src/errors.ts';
import { schema } from '../../src/graphql/schema.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { observation } from '../support/observations.ts';
import { type Serving, serve } from '../support/serving.ts';
import { bearer, SECRET_AUTH } from '../support/tickets.ts';

/** The last of them is never written. */
const IDS = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(24));
const [ID = '', OTHER_ID = ''] = IDS;
const ORIGIN = 'https://shop.example';
const FIELDS = [
  'id',
  'status',
  'isFinal',
  'cardCode',
  'version cursor',
  'checkedAt',
  'nextCheckAt',
  'isStale',
  'isOverdue',
  'refundMessage',
  'history(first: 2) { edges { cursor node { status observedAt } } pageInfo { hasNextPage } }',
  'history(last: $last) { edges { node { cardCode } } }',
] as const;

interface Question {
  readonly fields: readonly string[];
  readonly of: 'topup' | 'topups' | 'both';
  readonly ids: readonly string[];
  readonly maxAge: number | undefined;
  readonly last: number | undefined;
  readonly method: 'POST' | 'GET';
  readonly accept: string | undefined;
  readonly origin: string | undefined;
  readonly ticket: 'all' | 'no card' | 'one order' | 'none';
}

/** Mostly the one, so that a question often has an answer to keep. */
function often<Usual, Rare>(usual: fc.Arbitrary<Usual>, rare: fc.Arbitrary<Rare>) {
  return fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: rare });
}

const questions: fc.Arbitrary<Question> = fc.record({
  fields: fc.subarray([...FIELDS], { minLength: 1 }),
  of: fc.constantFrom('topup', 'topup', 'topups', 'both'),
  ids: often(fc.subarray(IDS.slice(0, 3), { minLength: 1 }), fc.subarray(IDS, { minLength: 1 })),
  maxAge: often(fc.constantFrom(undefined, 3, 600), fc.constantFrom(0, -1)),
  last: often(fc.constantFrom(1, 3), fc.constantFrom(undefined, 200)),
  method: fc.constantFrom('POST', 'POST', 'GET'),
  accept: fc.constantFrom(undefined, 'application/json', 'application/graphql-response+json'),
  origin: fc.constantFrom(undefined, undefined, ORIGIN, 'https://elsewhere.example'),
  ticket: often(fc.constant('all' as const), fc.constantFrom('no card', 'one order', 'none')),
});

type Step =
  | { readonly kind: 'ask'; readonly question: number }
  | { readonly kind: 'write'; readonly order: number; readonly status: string }
  /** It is found as it was, a second later. */
  | { readonly kind: 'check'; readonly order: number }
  | { readonly kind: 'fail'; readonly order: number }
  | { readonly kind: 'wait'; readonly ms: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask'), question: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('write'),
      order: fc.nat(2),
      status: fc.constantFrom('HANDLING', 'HANDLING', 'QUEUED', 'FULFILLED', 'REFUNDED', 'NEW'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('check'), order: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail'), order: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait'),
      ms: fc.constantFrom(1, 999, 2_000, 4_000, 7_000, 301_000),
    }),
  },
);

/** As the poller's, but that OneClickDz never answers. */
function topupsOf(store: Store, clock: ManualClock): Topups {
  return {
    async lookup(orderId, maxAgeMs) {
      const order = await store.find(orderId);
      if (orderId === IDS[3]) return null;
      if (order === undefined) {
        throw new GatewayError('UPSTREAM_UNAVAILABLE', 'It fails.', { retryAfterMs: 2_000 });
      }
      const view = viewOf(order, clock.now());
      return clock.now() <= freshUntil(order, maxAgeMs) ? view : { ...view, isStale: true };
    },
  };
}

function textOf({ fields, of, ids }: Question): string {
  const shown = fields.join(' ');
  const needsLast = shown.includes('$last') ? '$last: Int' : '';
  const one = `one: topup(id: "${ids[0]}", maxAge: $maxAge) { ${shown} }`;
  const many = `topups(ids: $ids, maxAge: $maxAge) { ${shown} }`;
  switch (of) {
    case 'topup':
      return `query ($id: ID!, $maxAge: Int ${needsLast}) { topup(id: $id, maxAge: $maxAge) { ${shown} } }`;
    case 'topups':
      return `query ($ids: [ID!]!, $maxAge: Int ${needsLast}) { ${many} }`;
    default:
      return `query Both($ids: [ID!]!, $maxAge: Int ${needsLast}) { ${one} ${many} }`;
  }
}

interface Scene extends Serving {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly tickets: Awaited<ReturnType<typeof ticketsAt>>;
  readonly counts: Counts;
}

interface Counts {
  asked: number;
  remembered: number;
}

/** Three orders in progress, and whatever is needed to ask for them. */
async function open(counts: Counts): Promise<Scene> {
  const clock = new ManualClock();
  const store = createMemoryStore({ logId: 'log' });
  const serving = await serve(store, {
    topups: topupsOf(store, clock),
    allowedOrigins: [ORIGIN],
    auth: SECRET_AUTH,
    clock,
    limits: { uncachedLookupsPerMinute: 1_000_000 },
    onRemembered: () => {
      counts.remembered += 1;
    },
  });
  const scene = { ...serving, store, clock, tickets: await ticketsAt(clock.now()), counts };
  for (const order of [0, 1, 2]) await write({ order, status: 'HANDLING' }, scene);
  return scene;
}

async function take(step: Step, scene: Scene, chosen: readonly Question[]): Promise<void> {
  switch (step.kind) {
    case 'wait':
      return scene.clock.advance(step.ms);
    case 'write':
      return write(step, scene);
    case 'check':
      return check(step, scene);
    case 'fail':
      return fail(step, scene);
    case 'ask':
      return compare(chosen[step.question], scene);
  }
}

async function compare(question: Question | undefined, scene: Scene): Promise<void> {
  if (question === undefined) throw new Error('no such question');
  scene.counts.asked += 1;
  const given = await send(question, { scene, remark: '' });
  // A document that Yoga has never seen.
  const made = await send(question, { scene, remark: ` # ${scene.counts.asked}` });
  expect(given).toEqual(made);
}

describe('an answer that was given before', () => {
  it('is the same as one that is made anew, in every byte and header', async () => {
    const counts = { asked: 0, remembered: 0 };
    const run = async (chosen: readonly Question[], done: readonly Step[]) => {
      await using scene = await open(counts);
      for (const step of done) await take(step, scene, chosen);
    };
    const three = fc.array(questions, { minLength: 3, maxLength: 3 });
    const many = fc.array(steps, { minLength: 20, maxLength: 40 });
    await fc.assert(fc.asyncProperty(three, many, run), { numRuns: 40, seed: 5 });
    // Else there was nothing to compare.
    expect(counts.remembered).toBeGreaterThan(counts.asked / 10);
  }, 60_000);
});

/** Each by itself, whatever the schema has. */
function fieldsOfTopup(): readonly string[] {
  const type = schema.getType('Topup');
  if (!isObjectType(type)) throw new Error('no such type');
  return Object.values(type.getFields()).map(({ name, type: shown }) =>
    isLeafType(getNamedType(shown)) ? name : `${name} { __typename }`,
  );
}

const PLAIN: Question = {
  fields: [],
  of: 'topup',
  ids: [ID],
  maxAge: 600,
  last: undefined,
  method: 'POST',
  accept: undefined,
  origin: undefined,
  ticket: 'all',
};

/** So often that the answer is kept: whether it was, the last time. */
async function isRemembered(question: Question, scene: Scene): Promise<boolean> {
  let before = 0;
  for (let time = 1; time <= 3; time += 1) {
    before = scene.counts.remembered;
    await compare(question, scene);
  }
  return scene.counts.remembered > before;
}

describe('an answer whose order is checked', () => {
  it.each(fieldsOfTopup())('shows %s as it then stands', async (field) => {
    await using scene = await open({ asked: 0, remembered: 0 });
    const question = { ...PLAIN, fields: [field] };
    const found: Step = { kind: 'check', order: 0 };
    const failed: Step = { kind: 'fail', order: 0 };
    for (const step of [found, failed, found, found]) {
      expect(await isRemembered(question, scene)).toBe(true);
      await take(step, scene, []);
      await compare(question, scene);
    }
  });

  it('falls if it shows that', async () => {
    const fallen: string[] = [];
    for (const field of fieldsOfTopup()) {
      await using scene = await open({ asked: 0, remembered: 0 });
      const question = { ...PLAIN, fields: [field] };
      await isRemembered(question, scene);
      const { remembered } = scene.counts;
      await take({ kind: 'check', order: 0 }, scene, []);
      await compare(question, scene);
      if (scene.counts.remembered === remembered) fallen.push(field);
    }
    expect(fallen).toEqual(['checkedAt', 'isStale', 'nextCheckAt']);
  });

  it('is given for as long as it was asked for to be fresh', async () => {
    await using scene = await open({ asked: 0, remembered: 0 });
    const question = { ...PLAIN, fields: ['status version'], maxAge: undefined };
    const ask = () => send(question, { scene, remark: '' });
    for (let second = 1; second <= 60; second += 1) {
      await take({ kind: 'check', order: 0 }, scene, []);
      await ask();
      await ask();
    }
    // All but the first question of every six seconds, and another one: the first that ran without Yoga was not kept.
    expect(scene.counts.remembered).toBe(2 * 60 - 60 / 6 - 1);
  });
});

async function write(
  { order, status }: Omit<Extract<Step, { kind: 'write' }>, 'kind'>,
  { store, clock }: Pick<Scene, 'store' | 'clock'>,
): Promise<void> {
  const settled = status === 'FULFILLED' ? { cardCode: '123456789012' } : {};
  const refunded = status === 'REFUNDED' ? { refundMessage: 'رقم الهاتف غير صحيح 📞' } : {};
  const told = { upstreamStatus: status, observedAt: clock.now(), ...settled, ...refunded };
  await store.record(observation({ orderId: IDS[order] ?? ID, ...told }), planner(false));
}

async function check({ order }: { readonly order: number }, scene: Scene): Promise<void> {
  await scene.clock.advance(1_000);
  const found = await scene.store.find(IDS[order] ?? ID);
  await write({ order, status: found?.latest.upstreamStatus ?? 'HANDLING' }, scene);
}

async function fail(
  { order }: Extract<Step, { kind: 'fail' }>,
  { store, clock }: Pick<Scene, 'store' | 'clock'>,
): Promise<void> {
  await store.reschedule(IDS[order] ?? ID, { dueAt: clock.now() + 5_000, failures: 1 });
}

async function ticketsAt(now: number): Promise<Record<Question['ticket'], string | undefined>> {
  const exp = now / 1_000 + 86_400;
  return {
    all: await bearer({ topups: '*', scope: 'status card', exp }),
    'no card': await bearer({ topups: '*', scope: 'status', exp }),
    'one order': await bearer({ topups: [OTHER_ID], scope: 'status card', exp }),
    none: undefined,
  };
}

/** What came, but for what is different each time by nature. */
async function send(
  question: Question,
  { scene, remark }: { readonly scene: Scene; readonly remark: string },
) {
  const { url, tickets } = scene;
  const query = textOf(question) + remark;
  const { ids, maxAge, last, method, accept, origin } = question;
  const id = ids[0];
  const variables = { ...(question.of === 'topup' ? { id } : { ids }), maxAge, last };
  const ticket = tickets[question.ticket];
  const headers = {
    ...(accept === undefined ? {} : { accept }),
    ...(origin === undefined ? {} : { origin }),
    ...(ticket === undefined ? {} : { authorization: ticket }),
  };
  const response =
    method === 'POST'
      ? await fetch(url, {
          method,
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ query, variables }),
        })
      : await fetch(`${url}?${toQueryString(query, variables)}`, { headers });
  const told = new Map(response.headers);
  for (const name of ['date', 'x-request-id']) expect(told.delete(name)).toBe(true);
  return { status: response.status, headers: [...told], body: await response.text() };
}

function toQueryString(query: string, variables: object): string {
  return new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();
}
