import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AskTopupDocument,
  FollowTopupDocument,
  GatewayStatusDocument,
} from '../../schema/typed-documents.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { fulfilledAtOnce, scripted } from '../../src/simulator/life.ts';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';
import { ask, overWebSocket, post } from '../support/graphql-over-the-wire.ts';
import { ledLife } from '../support/led-life.ts';

/** Of the upstream's bodies, faulty ones included; none of it may reach a client or a log line. */
const UPSTREAM_WORDS =
  /Internal error|Bad Gateway|Welcome|doctype|Top-up not found|Route GET|Too many requests|attemptsLeft|provided access token|Your IP|temporarily|could not be checked|Invalid id|requestId":"req_/i;

const parked = () => scripted([{ afterMs: 0, status: 'QUEUED' }]);

/** What a query comes to, without what tells nothing here. */
async function outcome({ gateway }: GatewayOverSimulator, id: string | undefined, maxAge?: number) {
  const { body } = await post(gateway, { document: AskTopupDocument, variables: { id, maxAge } });
  const errors = (body.errors ?? []).map(({ message, path, extensions }) => {
    expect(message).not.toMatch(UPSTREAM_WORDS);
    expect(message).not.toContain('ECONNRESET');
    expect(path).toEqual(['topup']);
    return extensions;
  });
  return { topup: body.data?.topup, errors };
}

function expectNothingLeaks({ gateway, simulator }: GatewayOverSimulator): void {
  const written = gateway.lines.join('\n');
  expect(written).toContain('upstream call');
  expect(written).not.toMatch(UPSTREAM_WORDS);
  expect(written).not.toContain(simulator.apiKey);
}

describe.concurrent('an answer that is not as it should be', () => {
  let stack: GatewayOverSimulator;

  beforeAll(async () => {
    stack = await startGatewayOverSimulator({ LOG_LEVEL: 'trace' });
    // Each order is asked for by itself, so that the answers are those that a test makes odd.
    stack.simulator.fail({ fault: 'serverError', operation: 'list' });
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  it.each(['missingFields', 'nullFields'] as const)('has details left out: %s', async (fault) => {
    const id = stack.simulator.addOrder({ plan: parked() });
    stack.simulator.fail({ fault, orderId: id });
    const { topup } = await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    expect(topup).toMatchObject({
      id,
      status: 'QUEUED',
      isFinal: false,
      ref: null,
      type: null,
      number: null,
      amount: null,
      // Its id tells.
      createdAt: expect.stringMatching(/:\d\d\.000Z$/),
      cardCode: null,
      transactionNumber: null,
      processedAt: null,
    });
  });

  it('calls an order fulfilled, and leaves out its card: that may be written a moment later', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    stack.simulator.fail({ fault: 'missingFields', orderId: id, times: 1 });
    expect(await outcome(stack, id)).toEqual({
      topup: null,
      errors: [{ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 }],
    });
    expect((await outcome(stack, id)).topup).toMatchObject({
      status: 'FULFILLED',
      cardCode: expect.stringMatching(/^\d+$/),
      version: 1,
    });
  });

  it('leaves out what it told before: nothing is unsaid, and no version is added', async () => {
    const id = stack.simulator.addOrder({ plan: parked(), ref: 'told-once' });
    const { topup: told } = await outcome(stack, id);
    stack.simulator.fail({ fault: 'nullFields', orderId: id });
    const { topup: untold } = await outcome(stack, id, 0);
    expect(untold).toEqual({
      ...told,
      checkedAt: untold?.checkedAt,
      nextCheckAt: untold?.nextCheckAt,
    });
    expect(untold).toMatchObject({ ref: 'told-once', version: 1 });
  });

  it('has another word for a type', async () => {
    const id = stack.simulator.addOrder({ plan: parked() });
    stack.simulator.fail({ fault: 'type4GLTE', orderId: id });
    expect((await outcome(stack, id)).topup).toMatchObject({ type: '4GLTE', status: 'QUEUED' });
  });

  it('has a status that no document names, and another one later', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    const mend = stack.simulator.fail({ fault: 'unknownStatus', orderId: id });
    const seen: unknown[] = [];
    const operation = { document: FollowTopupDocument, variables: { id } };
    for await (const { data } of overWebSocket(stack.gateway, operation)) {
      const { status, upstreamStatus, isFinal } = data?.topupStatus ?? {};
      seen.push({ status, upstreamStatus, isFinal });
      mend();
    }
    expect(seen).toEqual([
      { status: 'UNKNOWN', upstreamStatus: 'ESCALATED', isFinal: false },
      { status: 'FULFILLED', upstreamStatus: 'FULFILLED', isFinal: true },
    ]);
  });

  it.each(['notFound', 'badRequest'] as const)(
    'says that there is no such order: %s',
    async (fault) => {
      const id = stack.simulator.addOrder({ plan: parked() });
      stack.simulator.fail({ fault, orderId: id });
      expect(await outcome(stack, id)).toEqual({ topup: null, errors: [] });
    },
  );

  it('says that there is no such order, of one that it has shown before', async () => {
    const id = stack.simulator.addOrder({ plan: parked() });
    await outcome(stack, id);
    stack.simulator.fail({ fault: 'notFound', orderId: id });
    const { topup, errors } = await outcome(stack, id, 0);
    expect(errors).toEqual([]);
    expect(topup).toMatchObject({ id, status: 'QUEUED', isStale: true });
  });

  it('lets nothing of itself through to the log', () => expectNothingLeaks(stack));
});

/** Calls that fail by themselves, and stop no others. */
const FAILED_CALLS: readonly (readonly [string, Omit<Fault, 'orderId'>])[] = [
  ["a proxy's page", { fault: 'html' }],
  ["a proxy's page with status 200", { fault: 'htmlOk' }],
  ['a router that knows no such path, which is no unknown order', { fault: 'routerMiss' }],
  ['50 MB, as announced', { fault: 'tooLarge', announced: true }],
  ['50 MB, unannounced', { fault: 'tooLarge', announced: false }],
  ['another order than the one asked for', { fault: 'otherId' }],
  ['success without data', { fault: 'noData' }],
  ['no answer', { fault: 'hang' }],
  ['half an answer, then nothing', { fault: 'hangBody' }],
  ['500', { fault: 'serverError' }],
  ['503, as the key could not be checked, which is no bad key', { fault: 'authUnavailable' }],
  ['a connection that breaks', { fault: 'connectionReset' }],
  ['an answer that is cut off', { fault: 'truncated' }],
];

interface Stopping {
  readonly what: string;
  readonly fault: Fault;
  readonly code: string;
  readonly seconds: number;
  readonly state: string;
}

/** Each is tried on a gateway of its own, since all calls wait afterwards. */
const STOPPING: readonly Stopping[] = [
  {
    what: '429 with Retry-After',
    fault: { fault: 'throttled', retryAfterSeconds: 40 },
    code: 'UPSTREAM_THROTTLED',
    seconds: 40,
    state: 'THROTTLED',
  },
  {
    what: '429 that does not say how long',
    fault: { fault: 'throttledBare' },
    code: 'UPSTREAM_THROTTLED',
    seconds: 15,
    state: 'THROTTLED',
  },
  {
    what: '503 with Retry-After',
    fault: { fault: 'unavailable', retryAfterSeconds: 40 },
    code: 'UPSTREAM_UNAVAILABLE',
    seconds: 40,
    state: 'FAILING',
  },
];

// One after the other, with good calls in between: five failures in a row would stop all calls.
describe('a call that fails', () => {
  let stack: GatewayOverSimulator;

  beforeAll(async () => {
    stack = await startGatewayOverSimulator({ UPSTREAM_TIMEOUT_MS: '500', LOG_LEVEL: 'trace' });
    stack.simulator.fail({ fault: 'serverError', operation: 'list' });
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  it.each(FAILED_CALLS)('says nothing of an order: %s', async (_, fault) => {
    const { simulator } = stack;
    const cold = simulator.addOrder({ plan: parked() });
    const cached = simulator.addOrder({ plan: parked() });
    await outcome(stack, cached);
    const befallen = [cold, cached].map((orderId) => simulator.fail({ ...fault, orderId }));

    const before = await residentBytes(stack);
    const startedAt = performance.now();
    expect(await outcome(stack, cold)).toEqual({
      topup: null,
      errors: [{ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 }],
    });
    // Well below the 15 s that a call may take where nothing else is said.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await residentBytes(stack)) - before).toBeLessThan(40_000_000);
    const stale = await outcome(stack, cached, 0);
    expect(stale.errors).toEqual([]);
    expect(stale.topup).toMatchObject({
      id: cached,
      status: 'QUEUED',
      amount: 1_000,
      isStale: true,
      version: 1,
    });

    for (const mend of befallen) mend();
    const healed = { status: 'QUEUED', isStale: false, version: 1 };
    expect((await outcome(stack, cold)).topup).toMatchObject({ id: cold, ...healed });
    expect((await outcome(stack, cached, 0)).topup).toMatchObject({ id: cached, ...healed });
    expectNothingLeaks(stack);
  });
});

describe.concurrent('an upstream that stops all calls', () => {
  it.each(STOPPING)('is left alone for as long as it says: $what', async (stopping) => {
    await using stack = await startGatewayOverSimulator({ LOG_LEVEL: 'trace' });
    const { simulator, gateway } = stack;
    const [cold, colder, cached] = [parked(), parked(), parked()].map((plan) =>
      simulator.addOrder({ plan }),
    );
    await outcome(stack, cached);
    simulator.fail(stopping.fault);
    const told = [await outcome(stack, cold), await outcome(stack, colder)];
    for (const { topup, errors } of told) {
      expect(topup).toBeNull();
      expect(errors).toEqual([{ code: stopping.code, retryAfterSeconds: expect.any(Number) }]);
      const seconds = Number(errors[0]?.['retryAfterSeconds']);
      expect(seconds).toBeLessThanOrEqual(stopping.seconds);
      expect(seconds).toBeGreaterThan(stopping.seconds - 10);
    }
    const stale = await outcome(stack, cached, 0);
    expect(stale).toMatchObject({ errors: [], topup: { isStale: true, version: 1 } });
    // The one that went well, and the one that was answered like this.
    expect(simulator.calls.byOperation()).toEqual({ validate: 1, 'check-id': 2 });
    const { gateway: status } = await ask(gateway, { document: GatewayStatusDocument });
    expect(status.upstream.state).toBe(stopping.state);
    expect(status.upstream.resumesAt).not.toBeNull();
    const ready = await fetch(new URL('/health/ready', gateway.url));
    // Ready all the same: what is in the log is still served.
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: 'ready', problems: [expect.stringMatching(/; no calls until \d{4}-/)] },
    ]);
    expectNothingLeaks(stack);
  });

  it.each(['unauthorized', 'forbidden'] as const)(
    'refuses the key at the start, before anybody asks, and is asked once: %s',
    async (fault) => {
      await using stack = await startGatewayOverSimulator({ LOG_LEVEL: 'trace' }, (simulator) =>
        simulator.fail({ fault }),
      );
      const { simulator, gateway } = stack;
      await gateway.line((line) => line.includes('Check ONECLICKDZ_API_KEY'));
      const ids = Array.from({ length: 10 }, () => simulator.addOrder({ plan: ledLife().plan }));
      const outcomes = await Promise.all(ids.map((id) => outcome(stack, id)));
      for (const { topup, errors } of outcomes) {
        expect(topup).toBeNull();
        expect(errors.map((error) => error?.['code'])).toEqual(['UPSTREAM_REFUSED']);
      }
      const { gateway: status } = await ask(gateway, { document: GatewayStatusDocument });
      expect(status.upstream.state).toBe('REFUSED');
      const waitMs = Date.parse(status.upstream.resumesAt ?? '') - Date.now();
      expect(waitMs).toBeGreaterThan(14 * 60_000);
      const ready = await fetch(new URL('/health/ready', gateway.url));
      expect([ready.status, await ready.json()]).toEqual([
        503,
        {
          status: 'not ready',
          problems: [
            expect.stringMatching(
              /^OneClickDz refuses the API key or this address; no calls until /,
            ),
          ],
        },
      ]);
      expect(simulator.calls.byOperation()).toEqual({ validate: 1 });
      expectNothingLeaks(stack);
    },
  );
});

/** Memory of the gateway's process, as the kernel counts it. */
async function residentBytes({ gateway }: GatewayOverSimulator): Promise<number> {
  const status = await readFile(`/proc/${gateway.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}
