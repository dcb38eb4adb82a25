import type { Plan, Step } from '../../src/simulator/life.ts';

/** A life that a test controls: the order stays in each status until the test calls `goOn`. */
export interface LedLife {
  readonly plan: Plan;
  goOn(status: string, refundMessage?: string): void;
}

/**
 * All steps, added ones too, begin when the order was created, and the last one counts. So a step takes effect as soon
 * as the test adds it, and no test has to guess how long the gateway takes to see the previous step.
 */
export function ledLife(first = 'HANDLING'): LedLife {
  const steps: Step[] = [{ afterMs: 0, status: first }];
  return {
    plan: { steps },
    goOn: (status, refundMessage) => void steps.push({ afterMs: 0, status, refundMessage }),
  };
}
