import { NOT_PLANNED, type Plan, type PlannedField, type Shape } from './plan.ts';
import { usualVariables, type Variables } from './plan-variables.ts';

interface PlanArgs {
  readonly rootValue: unknown;
  readonly contextValue: unknown;
  readonly variables: Variables;
}

type Data = Readonly<Record<string, unknown>>;

/**
 * The data of a result without errors; synchronous if no field has to wait. Otherwise throws or rejects with the first
 * error: only the engine can make a result with errors.
 */
export function runPlan(plan: Plan, args: PlanArgs): Data | Promise<Data> {
  const variables = usualVariables(plan.variables, args.variables);
  if (variables === undefined) throw NOT_PLANNED;
  const running = { contextValue: args.contextValue, variables };
  return dataOf(plan.fields, args.rootValue, running);
}

interface RunningPlan {
  readonly contextValue: unknown;
  readonly variables: Variables;
}

function dataOf(
  fields: readonly PlannedField[],
  source: unknown,
  running: RunningPlan,
): Data | Promise<Data> {
  const data: Record<string, unknown> = {};
  let late: Promise<void>[] | undefined;
  try {
    for (const field of fields) {
      const value = fieldOf(field, source, running);
      // A promise is set as well, so that the names stay in the order of the query.
      data[field.name] = value;
      if (!(value instanceof Promise)) continue;
      late ??= [];
      late.push(
        value.then((known) => {
          data[field.name] = known;
        }),
      );
    }
  } catch (error) {
    giveUp(late);
    throw error;
  }
  if (late === undefined) return data;
  const [only, another] = late;
  const all = only !== undefined && another === undefined ? only : Promise.all(late);
  return all.then(() => data);
}

/** Ignores the values that are still pending: nobody awaits them any more, and they may reject too. */
function giveUp(late: readonly unknown[] = []): void {
  for (const value of late) if (value instanceof Promise) value.catch(() => undefined);
}

function fieldOf(field: PlannedField, source: unknown, running: RunningPlan): unknown {
  const { resolve, info, shape } = field;
  const value = resolve(source, argsFor(field, running.variables), running.contextValue, info);
  return value instanceof Promise
    ? value.then((known) => shaped(shape, known, running))
    : shaped(shape, value, running);
}

function argsFor({ fixedArgs, variableArgs }: PlannedField, variables: Variables) {
  if (variableArgs.length === 0) return fixedArgs;
  const args = { ...fixedArgs };
  for (const { name, variable } of variableArgs) {
    // A variable that is not given leaves its argument out.
    if (Object.hasOwn(variables, variable)) args[name] = variables[variable];
  }
  return args;
}

function shaped(shape: Shape, value: unknown, running: RunningPlan): unknown {
  if (value instanceof Error) throw value;
  if (shape.kind === 'never null') {
    const known = shaped(shape.of, value, running);
    if (known === null) throw NOT_PLANNED;
    return known instanceof Promise ? known.then(notNull) : known;
  }
  if (value == null) return null;
  switch (shape.kind) {
    case 'leaf':
      return notNull(shape.serialize(value));
    case 'object':
      return dataOf(shape.fields, value, running);
    case 'list':
      return listOf(shape.of, value, running);
  }
}

function listOf(shape: Shape, values: unknown, running: RunningPlan): unknown {
  if (!Array.isArray(values)) throw NOT_PLANNED;
  const items: unknown[] = [];
  try {
    for (const value of values) {
      items.push(
        value instanceof Promise
          ? value.then((known) => shaped(shape, known, running))
          : shaped(shape, value, running),
      );
    }
  } catch (error) {
    giveUp([...items, ...values]);
    throw error;
  }
  return items.some((item) => item instanceof Promise) ? Promise.all(items) : items;
}

function notNull(value: unknown): unknown {
  if (value == null) throw NOT_PLANNED;
  return value;
}
