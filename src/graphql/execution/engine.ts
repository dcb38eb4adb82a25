import { execute } from '@graphql-tools/executor';
import type { DocumentNode, ExecutionArgs, ExecutionResult } from 'graphql';
import type { GatewayStatus, GatewayStatusSource } from '../../core/gateway-status.ts';
import type { PlanGivenUp } from '../../core/telemetry.ts';
import type { CallersTopups } from '../../core/topups.ts';
import type { TopupView } from '../../core/view.ts';
import { GatewayError } from '../../errors.ts';
import type { GraphQLContext } from '../context.ts';
import { NOT_PLANNED, type Plan, planOf } from './plan.ts';
import { runPlan } from './run-plan.ts';

type Ran = ExecutionResult | Promise<ExecutionResult>;

/** Called when a plan was given up, and the engine runs the operation a second time. */
export type OnPlanGivenUp = (reason: PlanGivenUp) => void;

/** The plans of each document, by operation name (`null` if none is given). `undefined`: there can be no plan. */
const plans = new WeakMap<DocumentNode, Map<string | null, Plan | undefined>>();

/**
 * Runs a query, or one event of a subscription, that is known to be valid. Runs a plan if there is one, and the engine
 * that is inside Yoga if not, or if anything does not go as planned. So an operation gives the same answer whether it
 * came through Yoga or not.
 *
 * Synchronous if no field has to wait.
 */
export function run(args: ExecutionArgs, onPlanGivenUp: OnPlanGivenUp): Ran {
  const plan = planFor(args);
  return plan === undefined ? byEngine(args) : byPlan(plan, args, onPlanGivenUp);
}

/** Not graphql-js's own `execute`, which takes nearly twice as long for an event: it makes and aborts a controller. */
function byEngine(args: ExecutionArgs): Ran {
  // The schema has no @defer and no @stream, so there are no results in parts.
  return execute(args) as Ran;
}

function byPlan(plan: Plan, args: ExecutionArgs, onPlanGivenUp: OnPlanGivenUp): Ran {
  const { rootValue, variableValues } = args;
  const own = args.contextValue as GraphQLContext;
  // The events of a subscription share one context, and with it the authorization checks that are cached for it.
  const contextValue = plan.kind === 'query' ? readingOnce(own) : own;
  const afterAll = (error: unknown) => {
    onPlanGivenUp(reasonOf(error));
    return byEngine({ ...args, contextValue });
  };
  try {
    const data = runPlan(plan, { rootValue, contextValue, variables: variableValues ?? {} });
    return data instanceof Promise ? data.then((known) => ({ data: known }), afterAll) : { data };
  } catch (error) {
    return afterAll(error);
  }
}

function reasonOf(error: unknown): PlanGivenUp {
  if (error === NOT_PLANNED) return 'unplanned';
  return error instanceof GatewayError && error.isForClients ? 'error' : 'fault';
}

function planFor({ schema, document, operationName }: ExecutionArgs): Plan | undefined {
  const known = plans.get(document) ?? new Map<string | null, Plan | undefined>();
  const name = operationName ?? null;
  if (known.has(name)) return known.get(name);
  const plan = planOf(schema, document, operationName);
  plans.set(document, known.set(name, plan));
  return plan;
}

/** Makes each lookup only once in a run: if the engine has to run the operation after all, it gets the same results. */
function readingOnce(own: GraphQLContext): GraphQLContext {
  return { ...own, topups: new LookupsOnce(own.topups), status: new StatusOnce(own.status) };
}

class LookupsOnce implements CallersTopups {
  readonly #topups: CallersTopups;
  readonly #made = new Map<string, Promise<TopupView | null>>();

  constructor(topups: CallersTopups) {
    this.#topups = topups;
  }

  lookup(orderId: string, maxAgeMs?: number): Promise<TopupView | null> {
    const key = `${orderId} ${maxAgeMs}`;
    const view = this.#made.get(key) ?? this.#topups.lookup(orderId, maxAgeMs);
    this.#made.set(key, view);
    return view;
  }
}

class StatusOnce implements GatewayStatusSource {
  readonly #source: GatewayStatusSource;
  #status: Promise<GatewayStatus> | undefined;

  constructor(source: GatewayStatusSource) {
    this.#source = source;
  }

  gatewayStatus(): Promise<GatewayStatus> {
    this.#status ??= this.#source.gatewayStatus();
    return this.#status;
  }

  callsResumeAt(): number | null {
    return this.#source.callsResumeAt();
  }
}
