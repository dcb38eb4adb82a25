import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { AskTopupDocument, TopupHistoryDocument } from '../../schema/typed-documents.ts';
import type { Random } from '../../src/core/ports.ts';
import { createRandom, drawInteger } from '../../src/simulator/random.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { ask } from '../support/graphql-over-the-wire.ts';
import { type LogFile, readLogFile } from '../support/log-file.ts';
import { OpenEndedLife } from '../support/open-ended-life.ts';
import {
  overEventStream,
  overWebSocket,
  ResumingSubscriber,
  type ResumingSubscriberOptions,
} from '../support/resuming-subscriber.ts';

const ROUNDS = 20;

/** The kill comes at a random moment: while it starts to poll, waits for answers, writes, sends, or idles. */
const LONGEST_UPTIME_MS = 900;

/** Answers so slow that there are always some under way, and that they overtake each other. */
const SLOWEST_ANSWER_MS = 200;

/** Half of those who are cut off come back at once; the others sit some rounds out, and miss some versions. */
const MOST_ROUNDS_AWAY = 5;

const WATCHED_ORDERS = 14;
const UNWATCHED_ORDERS = 2;
const SUBSCRIBERS = 20;

/** How long the gateway may take for what is a matter of one or two seconds on a quiet machine. */
const PATIENCE = { timeout: 30_000 };

/** One for each crash, and the peace after the last. */
class Rounds {
  readonly #beginnings = Array.from({ length: ROUNDS + 1 }, () => Promise.withResolvers<void>());
  #current = 0;

  begin(round: number): void {
    this.#current = round;
    this.#beginnings[round - 1]?.resolve();
  }

  /** Waits until so many more have begun; the last ends every wait. */
  async pass(count: number): Promise<void> {
    const round = Math.min(this.#current + count, ROUNDS + 1);
    await this.#beginnings[round - 1]?.promise;
  }
}

const seed = Number(process.env['CRASH_TEST_SEED'] ?? Date.now() % 1_000_000);

interface Order {
  readonly id: string;
  readonly life: OpenEndedLife;
  readonly end: 'FULFILLED' | 'REFUNDED';
  /** The round that it ends in; the one after the last crash for half of them. */
  readonly endsIn: number;
}

interface Scene {
  readonly stack: GatewayOverSimulator;
  readonly rounds: Rounds;
  /** Ends the subscriptions of a test that failed. */
  readonly subscriptions: DisposableStack;
}

/**
 * What the gateway promises, whenever it dies: an event that somebody has seen is never unsaid, and
 * somebody who goes on after its cursor sees every later one, once and in order.
 *
 * The gateway is a process of its own that is killed again and again, while orders change and end; the
 * upstream and the subscribers live in this one and survive. What happens when is drawn from the seed.
 */
it(`loses nothing and repeats nothing in ${ROUNDS} crashes (CRASH_TEST_SEED=${seed})`, async () => {
  const random = createRandom(seed);
  await using stack = await startGatewayOverSimulator();
  const { simulator, databasePath } = stack;
  const watched = addOrders(simulator, random, WATCHED_ORDERS);
  const unwatched = addOrders(simulator, random, UNWATCHED_ORDERS);
  const orders = [...watched, ...unwatched];

  const rounds = new Rounds();
  using subscriptions = new DisposableStack();
  const subscribers = await subscribeToAll({ stack, rounds, subscriptions }, watched);
  for (const { id } of unwatched) {
    await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
  }

  for (let round = 1; round <= ROUNDS; round += 1) {
    rounds.begin(round);
    endLives(orders, round);
    await pause(drawInteger(random, 0, LONGEST_UPTIME_MS));
    await stack.gateway.end('SIGKILL');
    expectNothingUnsaid(readLogFile(databasePath), subscribers);
    await stack.restart();
  }

  rounds.begin(ROUNDS + 1);
  endLives(orders, ROUNDS + 1);
  await expect.poll(() => followingOf(subscribers), PATIENCE).toEqual([]);
  await expect.poll(() => unsettledOf(readLogFile(databasePath), orders), PATIENCE).toEqual([]);

  const log = readLogFile(databasePath);
  expectNothingUnsaid(log, subscribers);
  for (const subscriber of subscribers) expectSawAll(subscriber, log);
  expect(log.orderIds).toEqual(orders.map(({ id }) => id).sort());
  for (const order of orders) {
    expectTellsTheLife(log, order);
    expect(await historyOf(stack.gateway, order.id)).toEqual(log.statesOf(order.id));
  }
  // Crashes that find nothing to interrupt would prove nothing.
  expect(log.size).toBeGreaterThan(3 * orders.length);
  expect(connectionsOf(subscribers)).toBeGreaterThan(2 * subscribers.length);
}, 300_000);

function addOrders(simulator: Simulator, random: Random, count: number): readonly Order[] {
  return Array.from({ length: count }, (_, index) => {
    const life = new OpenEndedLife(random);
    const { plan, createdAt } = life;
    const id = simulator.addOrder({ plan, createdAt });
    const delayMs = drawInteger(random, 0, SLOWEST_ANSWER_MS);
    simulator.fail({ fault: 'slow', orderId: id, delayMs });
    const endsIn = index % 2 === 0 ? ROUNDS + 1 : drawInteger(random, 3, ROUNDS);
    return { id, life, end: random() < 0.7 ? 'FULFILLED' : 'REFUNDED', endsIn };
  });
}

function endLives(orders: readonly Order[], round: number): void {
  for (const { life, end, endsIn } of orders) if (endsIn === round) life.end(end);
}

/**
 * Each order gets a first subscriber, who names it for the first time and so sees it from version 1 on. The
 * others follow an order that has one, and go on after its first event.
 */
async function subscribeToAll(
  scene: Scene,
  orders: readonly Order[],
): Promise<readonly ResumingSubscriber[]> {
  const firsts = orders.map(({ id }, index) => subscribe(scene, index, { orderId: id }));
  await expect.poll(() => firsts.filter(({ events }) => events.length === 0), PATIENCE).toEqual([]);
  const others = firsts
    .slice(0, SUBSCRIBERS - firsts.length)
    .map(({ orderId, events: [seen] }, index) =>
      subscribe(scene, firsts.length + index, { orderId, seen }),
    );
  return [...firsts, ...others];
}

/** Every fifth subscriber over server-sent events, the others over WebSockets. */
function subscribe(
  { stack, rounds, subscriptions }: Scene,
  index: number,
  order: Pick<ResumingSubscriberOptions, 'orderId' | 'seen'>,
): ResumingSubscriber {
  const random = createRandom(seed + 1 + index);
  const absence = () => rounds.pass(random() < 0.5 ? 0 : drawInteger(random, 1, MOST_ROUNDS_AWAY));
  const transport =
    index % 5 === 4
      ? overEventStream(() => stack.gateway.url)
      : overWebSocket(() => stack.gateway.wsUrl);
  return subscriptions.use(new ResumingSubscriber({ ...order, subscribe: transport, absence }));
}

/** The file is whole, and what anybody has seen so far is the beginning of what it holds, to the letter. */
function expectNothingUnsaid(log: LogFile, subscribers: readonly ResumingSubscriber[]): void {
  expect(log.integrity).toBe('ok');
  expect(log.torn).toEqual([]);
  for (const { orderId, events } of subscribers) {
    expect(events).toMatchObject(log.statesOf(orderId).slice(0, events.length));
  }
}

function followingOf(subscribers: readonly ResumingSubscriber[]) {
  return subscribers
    .filter(({ outcome }) => outcome !== 'completed')
    .map(({ orderId, outcome, events }) => ({ orderId, outcome, latest: events.at(-1) }));
}

function unsettledOf(log: LogFile, orders: readonly Order[]) {
  return orders
    .map(({ id }) => log.statesOf(id).at(-1))
    .filter((state) => state === undefined || !state.isFinal);
}

/** By itself: nothing but the gateway makes a subscription complete. */
function expectSawAll({ orderId, events, outcome }: ResumingSubscriber, log: LogFile): void {
  expect(events).toMatchObject(log.statesOf(orderId));
  expect(outcome).toBe('completed');
}

function connectionsOf(subscribers: readonly ResumingSubscriber[]): number {
  return subscribers.reduce((sum, { connections }) => sum + connections, 0);
}

/** Versions without a hole, each unlike the one before, that pass through the order's life to its end. */
function expectTellsTheLife(log: LogFile, { id, life, end }: Order): void {
  const states = log.statesOf(id);
  expect(states.map(({ version }) => version)).toEqual(states.map((_, index) => index + 1));
  const statuses = states.map(({ upstreamStatus }) => upstreamStatus);
  expect(statuses.filter((status, index) => status === statuses[index - 1])).toEqual([]);
  expect(statuses).toEqual(passedBy(life.statuses, statuses));
  expect(states.at(-1)).toMatchObject({
    status: end,
    cardCode: end === 'FULFILLED' ? expect.stringMatching(/^\d{12}$/) : null,
  });
}

/** Of `wanted`, as much as turns up in `life` in the same order. */
function passedBy(life: readonly string[], wanted: readonly string[]): readonly string[] {
  const passed: string[] = [];
  for (const status of life) if (status === wanted[passed.length]) passed.push(status);
  return passed;
}

async function historyOf(gateway: GatewayProcess, id: string) {
  const variables = { id, first: 100 };
  const { topup } = await ask(gateway, { document: TopupHistoryDocument, variables });
  expect(topup?.history.pageInfo.hasNextPage).toBe(false);
  return topup?.history.edges.map(({ node }) => ({ id, ...node }));
}
