import { execute } from '@graphql-tools/executor';
import { type ExecutionArgs, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type Access, FULL_ACCESS } from '../../src/core/access.ts';
import { NO_BASIS } from '../../src/core/basis.ts';
import type { PlanGivenUp } from '../../src/core/telemetry.ts';
import type { Topups } from '../../src/core/topups.ts';
import { type TopupView, viewOf } from '../../src/core/view.ts';
import { GatewayError } from '../../src/errors.ts';
import type { GraphQLContext } from '../../src/graphql/context.ts';
import { run } from '../../src/graphql/execution/engine.ts';
import { planOf } from '../../src/graphql/execution/plan.ts';
import { schema } from '../../src/graphql/schema.ts';
import { settle } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { observation } from '../support/observations.ts';

const GOOD = 'a'.repeat(24);
const ODD = 'b'.repeat(24);
const MISSING = 'c'.repeat(24);
const FAILING = 'd'.repeat(24);
const INCOMPLETE = 'e'.repeat(24);
const LATE = 'f'.repeat(24);
const UNWRITTEN = '0'.repeat(24);
const NO_CARD: Access = { ...FULL_ACCESS, rights: 'no card', has: (scope) => scope !== 'card' };

const log = createMemoryStore({ logId: 'log' });

async function view(orderId: string): Promise<TopupView> {
  const told = { upstreamStatus: 'FULFILLED', cardCode: '42', amount: 1000.5, createdAt: 1 };
  const { order } = await log.record(observation({ orderId, ...told }), () => null);
  return viewOf(order, order.checkedAt);
}

/**
 * One that answers; one whose values fit no type, one that lacks one, one that is late, one that there is not, two that
 * fail.
 */
async function lookup(orderId: string): Promise<TopupView | null> {
  const good = await view(orderId);
  if (orderId === ODD) {
    const snapshot = { ...good.snapshot, amount: Number.NaN, createdAt: Number.NaN };
    return { ...good, snapshot, isStale: Object(null), isOverdue: Object('no') };
  }
  if (orderId === INCOMPLETE) return { ...good, checkedAt: Object.create(null).nothing };
  if (orderId === LATE) await settle();
  if (orderId === FAILING) throw new GatewayError('UPSTREAM_UNAVAILABLE', 'It fails.');
  if (orderId === UNWRITTEN) throw new GatewayError('INTERNAL_SERVER_ERROR', 'The disk is full.');
  return orderId === MISSING ? null : good;
}

interface Question {
  readonly text: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
  readonly access?: Access;
  readonly rootValue?: unknown;
}

async function answerBy(
  engine: (args: ExecutionArgs) => ReturnType<typeof run>,
  { text, variables, operationName, access = FULL_ACCESS, rootValue }: Question,
): Promise<{ readonly text: string; readonly looked: readonly string[] }> {
  const looked: string[] = [];
  const topups: Topups = {
    lookup(orderId, maxAgeMs) {
      looked.push(`${orderId} ${maxAgeMs}`);
      return lookup(orderId);
    },
  };
  const status = {
    gatewayStatus: () => Promise.reject(new Error('of the status')),
    callsResumeAt: () => null,
  };
  const contextValue = { topups, access, basis: NO_BASIS, log, status };
  const result = await engine({
    schema,
    document: parse(text),
    contextValue: contextValue as unknown as GraphQLContext,
    variableValues: variables ?? null,
    operationName: operationName ?? null,
    rootValue,
  });
  return { text: JSON.stringify(result), looked: [...new Set(looked)] };
}

const byEngine = (args: ExecutionArgs) => execute(args) as ReturnType<typeof run>;
const byPlan = (args: ExecutionArgs) => run(args, () => undefined);

const ALL = `__typename id ref type number amount status upstreamStatus isFinal cardCode transactionNumber processedAt
  refundMessage createdAt version cursor observedAt checkedAt nextCheckAt isStale isOverdue`;
const ONE = `query Q($id: ID!, $maxAge: Int) { topup(id: $id, maxAge: $maxAge) { ${ALL} } }`;
const TOO_MANY = Array.from({ length: 101 }, () => GOOD);
const MANY = `query ($ids: [ID!]!) { topups(ids: $ids) { id amount isStale } }`;
const FRAGMENTS = `
  query A { x: topup(id: "${GOOD}") { ...S ...S status } ...Root x: topup(id: "${GOOD}") { number ... { id } } }
  query B { topup(id: "${MISSING}") { id } }
  fragment Root on Query { topup(id: "${GOOD}", maxAge: 3) { a: cursor } }
  fragment S on TopupState { ref ... on Topup { checkedAt } ... on TopupSnapshot { version } }`;
const EVENT = `subscription ($id: ID!) { topupStatus(id: $id) { ${ALL} } }`;

const asked = (id: unknown, more: object = {}) => ({ text: ONE, variables: { id, ...more } });

const PLANNED: readonly (readonly [string, Question])[] = [
  ['a topup', asked(GOOD)],
  ['with an argument that is not given', asked(GOOD, { other: 1 })],
  ['with an argument of null', asked(GOOD, { maxAge: null })],
  ['with all arguments', asked(GOOD, { maxAge: 5 })],
  ['that there is not', asked(MISSING)],
  ['that fails', asked(FAILING)],
  ['whose values fit no type', asked(ODD)],
  ['that lacks what may not be null', asked(INCOMPLETE)],
  ['of an id that is none', asked('nonsense')],
  ['of an age below zero', asked(GOOD, { maxAge: -1 })],
  ['by a number', asked(5)],
  ['by nothing', { text: ONE, variables: {} }],
  ['by null', asked(null)],
  ['by an object', asked({})],
  ['with an age that is no whole number', asked(GOOD, { maxAge: 1.5 })],
  ['with an age that is too large', asked(GOOD, { maxAge: 2 ** 31 })],
  ['with an age as a text', asked(GOOD, { maxAge: '1' })],
  ['without the right to a field', { ...asked(GOOD), access: NO_CARD }],
  ['several', { text: MANY, variables: { ids: [GOOD, MISSING, GOOD] } }],
  ['several, some failing', { text: MANY, variables: { ids: [FAILING, GOOD, ODD, FAILING] } }],
  [
    'several, one of them lacking what may not be null',
    {
      text: 'query ($ids: [ID!]!) { topups(ids: $ids) { checkedAt } }',
      variables: { ids: [GOOD, INCOMPLETE] },
    },
  ],
  ['several, of one', { text: MANY, variables: { ids: GOOD } }],
  ['several, one of them null', { text: MANY, variables: { ids: [GOOD, null] } }],
  ['far too many', { text: MANY, variables: { ids: TOO_MANY } }],
  ['in fragments', { text: FRAGMENTS, operationName: 'A' }],
  ['the second of two', { text: FRAGMENTS, operationName: 'B' }],
  [
    'several, each as soon as it can be had',
    {
      text: `{ a: topup(id: "${GOOD}") { id } b: topup(id: "${LATE}") { id } c: topup(id: "${MISSING}") { id } }`,
    },
  ],
  [
    'one that fails, beside far too many',
    {
      text: `query ($ids: [ID!]!) { a: topup(id: "${FAILING}") { id } b: topups(ids: $ids) { id } }`,
      variables: { ids: Array.from({ length: 101 }, () => GOOD) },
    },
  ],
  [
    'two, one failing',
    { text: `{ a: topup(id: "${FAILING}") { id } b: topup(id: "${GOOD}") { id } }` },
  ],
  [
    'one after one that throws',
    { text: `{ b: topup(id: "${FAILING}") { id } a: topup(id: "x") { id } }` },
  ],
  [
    'the same twice',
    { text: `{ a: topup(id: "${ODD}") { amount } b: topup(id: "${ODD}") { id } }` },
  ],
  ['the gateway, which fails', { text: '{ gateway { overdue } }' }],
  [
    'the names of types, as Apollo Client and urql ask for them',
    { text: `{ __typename topup(id: "${GOOD}") { a: __typename id __typename } }` },
  ],
  [
    'the name of the type of what there is not',
    { text: `{ topup(id: "${MISSING}") { __typename } }` },
  ],
  [
    'a name like that of a method',
    {
      text: 'query ($toString: Int) { toString: topup(id: "x", maxAge: $toString) { valueOf: id } }',
    },
  ],
];

const UNPLANNED: readonly (readonly [string, Question])[] = [
  ['the schema', { text: '{ __schema { queryType { name } } }' }],
  [
    'a directive',
    {
      text: `query ($y: Boolean!) { topup(id: "${GOOD}") { id @skip(if: $y) ref } }`,
      variables: { y: true },
    },
  ],
  ['a default', { text: `query ($id: ID = "${GOOD}") { topups(ids: [$id]) { id } }` }],
  [
    'a default that counts',
    { text: `query ($maxAge: Int = 3) { topup(id: "${GOOD}", maxAge: $maxAge) { id } }` },
  ],
  [
    'a variable in a list',
    { text: 'query ($id: ID!) { topups(ids: [$id]) { id } }', variables: { id: GOOD } },
  ],
  ['what reads the log', { text: `{ topup(id: "${GOOD}") { history { edges { cursor } } } }` }],
  ['a name that is none of a property', { text: `{ topup(id: "${GOOD}") { __proto__: ref } }` }],
  ['one of two, not said which', { text: FRAGMENTS }],
  ['one that there is not', { text: FRAGMENTS, operationName: 'C' }],
];

const planFor = ({ text, operationName }: Question) =>
  planOf(schema, parse(text), operationName ?? null);

describe('an operation that runs by a plan', () => {
  it.each(PLANNED)('%s', async (_name, question) => {
    expect(planFor(question)).toBeDefined();
    expect(await answerBy(byPlan, question)).toEqual(await answerBy(byEngine, question));
  });

  it('looks up nothing twice, if the engine runs it in the end', async () => {
    let looked = 0;
    const topups = {
      lookup() {
        looked += 1;
        return lookup(ODD);
      },
    };
    const contextValue = { topups, access: FULL_ACCESS, basis: NO_BASIS, log, status: {} };
    const result = await byPlan({
      schema,
      document: parse(ONE),
      contextValue,
      variableValues: { id: ODD },
    });
    expect(result.errors?.length).toBeGreaterThan(0);
    expect(looked).toBe(1);
  });

  it('answers an event at once, as the engine does', async () => {
    const event = await view(GOOD);
    for (const rootValue of [event, new GatewayError('TOPUP_NOT_FOUND', 'There is none.')]) {
      const question = { text: EVENT, variables: { id: GOOD }, rootValue };
      expect(planFor(question)).toBeDefined();
      expect(await answerBy(byPlan, question)).toEqual(await answerBy(byEngine, question));
    }
    const contextValue = { access: FULL_ACCESS, basis: NO_BASIS, log };
    const variableValues = { id: GOOD };
    const args = { schema, document: parse(EVENT), contextValue, variableValues };
    expect(byPlan({ ...args, rootValue: event })).not.toBeInstanceOf(Promise);
  });
});

it.each<[string, Question, readonly PlanGivenUp[]]>([
  ['never while all goes well', asked(GOOD), []],
  ['never where there is none', { text: '{ __schema { queryType { name } } }' }, []],
  ['for a field that fails at once', { text: MANY, variables: { ids: TOO_MANY } }, ['error']],
  ['for a field that fails later', asked(FAILING), ['error']],
  ['without the right to a field', { ...asked(GOOD), access: NO_CARD }, ['error']],
  ['for a variable of an unusual kind', asked(5), ['unplanned']],
  ['for a null where none may be', asked(INCOMPLETE), ['unplanned']],
  ['for a value that fits no type', asked(ODD), ['fault']],
  ['for an answer that could not be written down', asked(UNWRITTEN), ['fault']],
  ['for a fault in a resolver', { text: '{ gateway { overdue } }' }, ['fault']],
])('a plan is given up, and said why: %s', async (_name, question, reasons) => {
  const told: PlanGivenUp[] = [];
  await answerBy((args) => run(args, (reason) => told.push(reason)), question);
  expect(told).toEqual(reasons);
});

describe('has no plan, and runs all the same', () => {
  it.each(UNPLANNED)('%s', async (_name, question) => {
    expect(planFor(question)).toBeUndefined();
    expect(await answerBy(byPlan, question)).toEqual(await answerBy(byEngine, question));
  });
});

it('all that these tests ask for is valid', () => {
  for (const [, { text }] of [...PLANNED, ...UNPLANNED]) {
    expect(validate(schema, parse(text))).toEqual([]);
  }
});
