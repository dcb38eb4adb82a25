import type { Clock } from '../../src/core/ports.ts';
import type { CheckAnswer, KeyAnswer } from '../../src/upstream/answer.ts';
import type { UpstreamClient } from '../../src/upstream/client.ts';
import { observation } from './observations.ts';

export interface Call {
  readonly orderId: string;
  /** By `Clock.steady`. */
  readonly at: number;
  /** Whether it may take as long as any call. */
  readonly isPatient: boolean;
}

/** An upstream client whose answers a test provides; each takes `latencyMs` on the test's clock. */
export class ScriptedClient implements UpstreamClient {
  readonly calls: Call[] = [];
  /** When the key was tried. */
  readonly validations: number[] = [];
  keyAnswer: KeyAnswer = {
    kind: 'validated',
    key: { type: 'PRODUCTION', scope: 'READ-ONLY', isEnabled: true },
  };
  latencyMs = 100;
  mostInFlight = 0;
  mostInFlightForOne = 0;
  readonly #clock: Clock;
  readonly #inFlight = new Map<string, number>();
  #answer: (orderId: string, at: number) => CheckAnswer = (orderId, at) => observed(orderId, at);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answer(answer: (orderId: string, at: number) => CheckAnswer): void {
    this.#answer = answer;
  }

  callsFor(orderId: string): number {
    return this.calls.filter((call) => call.orderId === orderId).length;
  }

  async check(orderId: string, { isPatient } = { isPatient: false }): Promise<CheckAnswer> {
    this.calls.push({ orderId, at: this.#clock.steady(), isPatient });
    this.#count(orderId, 1);
    await new Promise<void>((resolve) => this.#clock.after(this.latencyMs, resolve));
    this.#count(orderId, -1);
    return this.#answer(orderId, this.#clock.now());
  }

  list(): never {
    throw new Error('not scripted');
  }

  async validate(signal: AbortSignal): Promise<KeyAnswer> {
    this.validations.push(this.#clock.now());
    const aborted = new Promise<KeyAnswer>((resolve) => {
      const answer = () => resolve({ kind: 'failed', reason: 'aborted' });
      signal.addEventListener('abort', answer, { once: true });
    });
    const answered = new Promise<KeyAnswer>((resolve) => {
      this.#clock.after(this.latencyMs, () => resolve(this.keyAnswer));
    });
    return Promise.race([answered, aborted]);
  }

  #count(orderId: string, by: number): void {
    this.#inFlight.set(orderId, (this.#inFlight.get(orderId) ?? 0) + by);
    const all = [...this.#inFlight.values()].reduce((a, b) => a + b, 0);
    this.mostInFlight = Math.max(this.mostInFlight, all);
    this.mostInFlightForOne = Math.max(this.mostInFlightForOne, this.#inFlight.get(orderId) ?? 0);
  }
}

/** What the upstream tells of an order in this status: once fulfilled, with its card. */
export function observed(orderId: string, at: number, upstreamStatus = 'HANDLING'): CheckAnswer {
  const cardCode = upstreamStatus === 'FULFILLED' ? '123456789012' : null;
  return {
    kind: 'observed',
    observation: observation({ orderId, upstreamStatus, cardCode, observedAt: at }),
    askedAt: at,
  };
}
