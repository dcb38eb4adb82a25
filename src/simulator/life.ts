import { MINUTE_MS } from '../core/durations.ts';
import type { Random } from '../core/ports.ts';
import { drawInteger } from './random.ts';

/** The life of an order, decided beforehand: its state is a pure function of its plan and the time. */
export interface Plan {
  /** At least one step, the first at 0, in the order of their times. */
  readonly steps: readonly Step[];
  /**
   * If true, the order is created when a call first asks for it, by id or by reference; until then no list shows it.
   * For demo orders, which should be in progress whenever somebody comes to watch them.
   */
  readonly startsWhenFirstAsked?: boolean | undefined;
}

export interface Step {
  /** Milliseconds after the order was created. */
  readonly afterMs: number;
  /** The upstream's word for the status; any word is allowed. */
  readonly status: string;
  readonly refundMessage?: string | undefined;
}

/** At the upstream orders stay queued for 12 to 48 hours; here for minutes, so that a person can wait for the end. */
export const QUEUED_MS = 2 * MINUTE_MS;

/** The upstream states that an order is HANDLING for 3 to 45 s. */
export const SHORTEST_HANDLING_MS = 3_000;
export const LONGEST_HANDLING_MS = 45_000;

/** "The operation could not be carried out, and the amount was returned to your balance." */
export const REFUND_MESSAGE = 'تعذر تنفيذ العملية، وتمت إعادة المبلغ إلى رصيدك';

/** A life from its steps. Throws a `RangeError` unless they are in order and the first is at 0 ms. */
export function scripted(steps: readonly Step[]): Plan {
  const inOrder = steps.every(
    ({ afterMs }, index) => afterMs >= (steps[index - 1]?.afterMs ?? afterMs),
  );
  if (steps[0]?.afterMs !== 0 || !inOrder) {
    throw new RangeError('a life needs steps in the order of their times, the first at 0 ms');
  }
  return { steps };
}

export function fulfilledAtOnce(): Plan {
  return scripted([{ afterMs: 0, status: 'FULFILLED' }]);
}

export function fulfilledAfter(handlingMs: number): Plan {
  return scripted([
    { afterMs: 0, status: 'HANDLING' },
    { afterMs: handlingMs, status: 'FULFILLED' },
  ]);
}

export function refundedAfter(handlingMs: number, refundMessage = REFUND_MESSAGE): Plan {
  return scripted([
    { afterMs: 0, status: 'HANDLING' },
    { afterMs: handlingMs, status: 'REFUNDED', refundMessage },
  ]);
}

/** QUEUED, then HANDLING, then FULFILLED. */
export function queuedThenFulfilled(handlingMs: number, queuedMs = QUEUED_MS): Plan {
  return scripted([
    { afterMs: 0, status: 'QUEUED' },
    { afterMs: queuedMs, status: 'HANDLING' },
    { afterMs: queuedMs + handlingMs, status: 'FULFILLED' },
  ]);
}

/** A status that no document names, then FULFILLED. */
export function unnamedThenFulfilled(unnamedMs: number, status = 'VERIFYING'): Plan {
  return scripted([
    { afterMs: 0, status },
    { afterMs: unnamedMs, status: 'FULFILLED' },
  ]);
}

/** The same life, but starting when the order is first asked for. */
export function whenFirstAsked(plan: Plan): Plan {
  return { ...plan, startsWhenFirstAsked: true };
}

/** The step that an order is in `ageMs` milliseconds after it was created. */
export function stepAt(plan: Plan, ageMs: number): Step {
  const step = plan.steps.findLast(({ afterMs }) => afterMs <= ageMs) ?? plan.steps[0];
  if (step === undefined) throw new RangeError('a life without steps');
  return step;
}

export const LIFE_NAMES = [
  'fulfilledAtOnce',
  'fulfilled',
  'refunded',
  'queued',
  'unnamed',
  'any',
] as const;

/** A kind of life; the duration of its HANDLING is drawn at random. `any` draws the kind at random as well. */
export type LifeName = (typeof LIFE_NAMES)[number];

export function drawPlan(name: LifeName, random: Random): Plan {
  const handlingMs = drawInteger(random, SHORTEST_HANDLING_MS, LONGEST_HANDLING_MS);
  switch (name) {
    case 'fulfilledAtOnce':
      return fulfilledAtOnce();
    case 'fulfilled':
      return fulfilledAfter(handlingMs);
    case 'refunded':
      return refundedAfter(handlingMs);
    case 'queued':
      return queuedThenFulfilled(handlingMs);
    case 'unnamed':
      return unnamedThenFulfilled(handlingMs);
    case 'any':
      return drawPlan(drawName(random), random);
  }
}

/** Mostly fulfilled orders, as in real use. */
function drawName(random: Random): LifeName {
  const drawn = random();
  if (drawn < 0.85) return 'fulfilled';
  if (drawn < 0.95) return 'refunded';
  return 'queued';
}
