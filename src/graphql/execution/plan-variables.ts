import {
  type GraphQLInputType,
  type GraphQLSchema,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;

export interface PlannedVariable {
  readonly name: string;
  readonly isRequired: boolean;
  /** Whether a value other than null is taken as it is. The engine may convert or refuse any other value. */
  readonly isUsual: (value: unknown) => boolean;
}

/** The variables of an operation; `undefined` if one of them has a default value or a type that is not simple. */
export function variablesOf(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): readonly PlannedVariable[] | undefined {
  const planned: PlannedVariable[] = [];
  for (const { variable, type: node, defaultValue } of variableDefinitions) {
    const type = typeFromAST(schema, node);
    if (!isInputType(type) || defaultValue !== undefined) return undefined;
    const isUsual = usualOf(isNonNullType(type) ? type.ofType : type);
    if (isUsual === undefined) return undefined;
    planned.push({ name: variable.name.value, isRequired: isNonNullType(type), isUsual });
  }
  return planned;
}

const MOST_INT = 2 ** 31 - 1;

const USUAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  ID: (value) => typeof value === 'string',
  String: (value) => typeof value === 'string',
  Boolean: (value) => typeof value === 'boolean',
  Int: (value) =>
    typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= MOST_INT,
};

function usualOf(type: GraphQLInputType): ((value: unknown) => boolean) | undefined {
  if (!isListType(type)) return USUAL[String(type)];
  const item = isNonNullType(type.ofType) ? usualOf(type.ofType.ofType) : undefined;
  return item && ((value) => Array.isArray(value) && value.every(item));
}

/** The values of the planned variables; `undefined` if a required one is missing or one is not of the usual kind. */
export function usualVariables(
  planned: readonly PlannedVariable[],
  given: Variables,
): Variables | undefined {
  const taken: Record<string, unknown> = {};
  for (const { name, isRequired, isUsual } of planned) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value == null ? isRequired : !isUsual(value)) return undefined;
    if (value !== undefined) taken[name] = value;
  }
  return taken;
}
