import type { Random } from '../../src/core/ports.ts';
import { type Plan, REFUND_MESSAGE, type Step } from '../../src/simulator/life.ts';
import { drawInteger } from '../../src/simulator/random.ts';

const SHORTEST_STEP_MS = 300;
const LONGEST_STEP_MS = 1_500;

/** Longer than any test, however slow the machine. */
const LENGTH_MS = 20 * 60_000;

/** The life of an order that changes all the time, between HANDLING and unknown statuses, until `end` is called. */
export class OpenEndedLife {
  readonly createdAt = Date.now();
  readonly #steps: Step[];

  constructor(random: Random) {
    this.#steps = drawSteps(random);
  }

  /** The simulator reads the plan at each call, so that the next call sees the end. */
  get plan(): Plan {
    return { steps: this.#steps };
  }

  /** All upstream statuses that the order has had and, unless it was ended, will have. */
  get statuses(): readonly string[] {
    return this.#steps.map(({ status }) => status);
  }

  end(status: 'FULFILLED' | 'REFUNDED'): void {
    const afterMs = Date.now() - this.createdAt;
    const past = this.#steps.filter((step) => step.afterMs <= afterMs).length;
    const refundMessage = status === 'REFUNDED' ? REFUND_MESSAGE : undefined;
    this.#steps.splice(past, this.#steps.length, { afterMs, status, refundMessage });
  }
}

function drawSteps(random: Random): Step[] {
  const steps: Step[] = [];
  for (let afterMs = 0; afterMs < LENGTH_MS; ) {
    const count = steps.length;
    steps.push({ afterMs, status: count % 3 === 0 ? 'HANDLING' : `VERIFYING_${count}` });
    afterMs += drawInteger(random, SHORTEST_STEP_MS, LONGEST_STEP_MS);
  }
  return steps;
}
