import type { Plan, Step } from '../../src/simulator/life.ts';

/** A life that a test leads: the order stays in each state until it is told to go on. */
export interface LedLife {
  readonly plan: Plan;
  goOn(status: string, refundMessage?: string): void;
}

/**
 * The latest step counts from the start of the order, as all before it do: a step that a test adds is
 * true at once, and no test has to guess how long the gateway takes to see the one before it.
 */
export function ledLife(first = 'HANDLING'): LedLife {
  const steps: Step[] = [{ afterMs: 0, status: first }];
  return {
    plan: { steps },
    goOn: (status, refundMessage) => void steps.push({ afterMs: 0, status, refundMessage }),
  };
}
