import type { Clock, Fetch } from '../../../src/core/ports.ts';
import { FAULT_NAMES, type FaultName } from '../../../src/simulator/faults.ts';
import type { Plan } from '../../../src/simulator/life.ts';
import { createRandom, drawInteger } from '../../../src/simulator/random.ts';
import { createSimulator, type Simulator } from '../../../src/simulator/simulator.ts';
import { parseRetryAfter } from '../../../src/upstream/retry-after.ts';
import type { Lifetime } from './lifetime.ts';
import { distort } from './list-lies.ts';
import type { CallEnd, Proof, RecordedCall } from './record.ts';
import {
  type ListLie,
  planOfLife,
  type Scenario,
  type ScenarioFault,
  type ScenarioOrder,
} from './scenario.ts';

const SHORTEST_LATENCY_MS = 20;
const LONGEST_LATENCY_MS = 400;

/** A simulator made hostile by a scenario. Records every call that it receives. */
export class HostileUpstream {
  readonly calls: RecordedCall[] = [];
  readonly #scenario: Scenario;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #simulator: Simulator;
  readonly #random;
  readonly #lives = new Map<string, { readonly plan: Plan; readonly createdAt: number }>();

  constructor(scenario: Scenario, clock: Clock) {
    this.#scenario = scenario;
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#random = createRandom(scenario.seed);
    this.#simulator = createSimulator({
      clock,
      seed: scenario.seed,
      // The gateway's own budget is under test, so the simulator must not limit calls.
      callsPerMinute: Number.POSITIVE_INFINITY,
      rowsName: scenario.rowsName,
      listCarriesCards: scenario.listedCards !== 'none',
    });
  }

  get apiKey(): string {
    return this.#simulator.apiKey;
  }

  /** Returns the order's id. */
  send({ life }: ScenarioOrder): string {
    const { plan } = planOfLife(life);
    const orderId = this.#simulator.addOrder({ plan });
    this.#lives.set(orderId, { plan, createdAt: this.#clock.now() });
    return orderId;
  }

  /** What a check of this order shows without any fault. Not recorded as a call. */
  async proofOf(orderId: string): Promise<Proof> {
    const url = `http://upstream.invalid/v3/internet/check-id/${orderId}`;
    const response = await this.#simulator.fetch(url, { headers: this.#headers() });
    const { data } = (await response.json()) as { data: Record<string, string | undefined> };
    return { cardCode: data['card_code'] ?? null, refundMessage: data['refund_message'] ?? null };
  }

  /** The network of one process, whose calls are cut off when the process ends. */
  networkOf(lifetime: Lifetime, process: number): Fetch {
    return lifetime.fetch(async (input, init) => {
      const call = this.#begin(new URL(String(input)), process);
      const finish = (end: Omit<CallEnd, 'at'>) => {
        call.end ??= { ...end, at: this.#clock.now() };
      };
      const forget = lifetime.onEnd(() => finish({ outcome: 'cut', isFaulty: true }));
      const fault = this.#faultFor(call);
      const isFaulty = fault !== undefined;
      try {
        await this.#travel(init?.signal);
        const answer = await this.#answer({ input, init, fault });
        const response = this.#isMasked(call, fault) ? await masked(answer) : answer;
        await this.#travel(init?.signal);
        const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), {
          sentAt: response.headers.get('date'),
          now: this.#clock.now(),
        });
        finish({ outcome: response.status, retryAfterMs, isFaulty });
        return response;
      } catch (error) {
        finish({ outcome: init?.signal?.aborted ? 'aborted' : 'reset', isFaulty });
        throw error;
      } finally {
        forget();
      }
    });
  }

  #begin(url: URL, process: number): RecordedCall {
    const isList = url.pathname.endsWith('/list');
    const timeOf = (name: string) => Date.parse(url.searchParams.get(name) ?? '');
    const call: RecordedCall = {
      process,
      operation: isList ? 'list' : 'check-id',
      orderId: isList ? undefined : url.pathname.split('/').at(-1),
      window: isList ? { from: timeOf('from'), to: timeOf('to') } : undefined,
      startedAt: this.#clock.now(),
      end: undefined,
    };
    this.calls.push(call);
    return call;
  }

  #faultFor({ operation, startedAt }: RecordedCall): ScenarioFault | undefined {
    const elapsedMs = startedAt - this.#startedAt;
    return this.#scenario.faults.find(
      (fault) =>
        (fault.operation === 'all' || fault.operation === operation) &&
        fault.fromMs <= elapsedMs &&
        elapsedMs < fault.fromMs + fault.forMs &&
        drawInteger(this.#random, 1, fault.oneIn) === 1,
    );
  }

  #isMasked({ operation }: RecordedCall, fault: ScenarioFault | undefined): boolean {
    // The end of a hanging body never comes.
    const isReadable = fault?.fault !== 'hangBody';
    return this.#scenario.listedCards === 'in part' && operation === 'list' && isReadable;
  }

  async #travel(signal: AbortSignal | null | undefined): Promise<void> {
    const ms = drawInteger(this.#random, SHORTEST_LATENCY_MS / 2, LONGEST_LATENCY_MS / 2);
    await new Promise<void>((resolve, reject) => {
      this.#clock.after(ms, resolve);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  async #answer({ input, init, fault }: Asked): Promise<Response> {
    if (fault === undefined) return this.#simulator.fetch(input, init);
    if (!isOfSimulator(fault.fault))
      return this.#lie(await this.#simulator.fetch(input, init), fault);
    const seconds = drawInteger(this.#random, 0, fault.seconds);
    // Used up by the call below, before any other call is answered.
    this.#simulator.fail({
      fault: fault.fault,
      times: 1,
      delayMs: seconds * 1_000,
      retryAfterSeconds: seconds,
    });
    return this.#simulator.fetch(input, init);
  }

  #lie(response: Response, fault: ScenarioFault): Promise<Response> {
    return distort(response, {
      lie: fault.fault as ListLie,
      lagMs: fault.seconds * 1_000,
      now: this.#clock.now(),
      lifeOf: (orderId) => this.#lives.get(orderId),
    });
  }

  #headers(): Record<string, string> {
    return { 'x-access-token': this.apiKey };
  }
}

interface Asked {
  readonly input: Parameters<Fetch>[0];
  readonly init: Parameters<Fetch>[1];
  readonly fault: ScenarioFault | undefined;
}

/** The same response with all but the last four digits of each card hidden. */
async function masked(response: Response): Promise<Response> {
  const text = await response.text();
  return new Response(text.replace(/("card_code":"\d*)\d{8}(?=\d{4}")/g, '$1********'), response);
}

function isOfSimulator(fault: ScenarioFault['fault']): fault is FaultName {
  return FAULT_NAMES.some((name) => name === fault);
}
