import {
  type ArgumentNode,
  BREAK,
  coerceInputLiteral,
  type DocumentNode,
  defaultFieldResolver,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  visit,
} from 'graphql';
import { type PlannedVariable, variablesOf } from './plan-variables.ts';

/**
 * Thrown if something is not as a plan needs it: the engine runs the operation then, and reports any fault. The same
 * error each time, since nobody looks at its stack.
 */
export const NOT_PLANNED = new Error('not as planned');

/** A prepared operation: everything that is the same for each run, computed once. */
export interface Plan {
  readonly kind: 'query' | 'subscription';
  readonly variables: readonly PlannedVariable[];
  readonly fields: readonly PlannedField[];
}

export interface PlannedField {
  /** The name of the field in the response. */
  readonly name: string;
  readonly resolve: GraphQLFieldResolver<unknown, unknown>;
  readonly fixedArgs: Readonly<Record<string, unknown>>;
  readonly variableArgs: readonly { readonly name: string; readonly variable: string }[];
  readonly info: GraphQLResolveInfo;
  readonly shape: Shape;
}

/** The form that a value must have. */
export type Shape =
  | { readonly kind: 'leaf'; readonly serialize: (value: unknown) => unknown }
  | { readonly kind: 'object'; readonly fields: readonly PlannedField[] }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'never null'; readonly of: Shape };

/**
 * Plans an operation of a valid document. `undefined` if the operation contains anything unusual (directives, default
 * values, types that are known only at run time, introspection), or reads anything below its top-level fields. What
 * top-level fields have read can be given again if the engine has to run the operation after all.
 */
export function planOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): Plan | undefined {
  const operation = getOperationAST(document, operationName);
  if (operation == null || operation.operation === 'mutation') return undefined;
  if (hasDirectives(document)) return undefined;
  const rootType = schema.getRootType(operation.operation);
  const variables = variablesOf(schema, operation);
  if (rootType == null || variables === undefined) return undefined;
  try {
    const planning = new Planning({ schema, document, operation });
    const fields = planning.fieldsOf(rootType, [operation.selectionSet]);
    return { kind: operation.operation, variables, fields };
  } catch (error) {
    if (error === NOT_PLANNED) return undefined;
    throw error;
  }
}

function hasDirectives(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive() {
      found = true;
      return BREAK;
    },
  });
  return found;
}

class Planning {
  readonly #schema: GraphQLSchema;
  readonly #operation: OperationDefinitionNode;
  readonly #fragments: Record<string, FragmentDefinitionNode> = Object.create(null);

  constructor(of: {
    readonly schema: GraphQLSchema;
    readonly document: DocumentNode;
    readonly operation: OperationDefinitionNode;
  }) {
    this.#schema = of.schema;
    this.#operation = of.operation;
    for (const definition of of.document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        this.#fragments[definition.name.value] = definition;
      }
    }
  }

  fieldsOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): readonly PlannedField[] {
    // With `isTypeOf`, the engine would check each object at run time.
    if (type.isTypeOf != null) throw NOT_PLANNED;
    const byName = new Map<string, FieldNode[]>();
    const seen = new Set<string>();
    for (const set of sets) this.#collect({ type, byName, seen }, set);
    return [...byName].map(([name, nodes]) => this.#field(type, name, nodes));
  }

  #collect(
    into: {
      readonly type: GraphQLObjectType;
      readonly byName: Map<string, FieldNode[]>;
      readonly seen: Set<string>;
    },
    { selections }: SelectionSetNode,
  ): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const name = (selection.alias ?? selection.name).value;
        into.byName.set(name, [...(into.byName.get(name) ?? []), selection]);
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection
          : this.#fragmentOnce(selection.name.value, into.seen);
      if (fragment !== undefined && this.#applies(fragment.typeCondition?.name.value, into.type)) {
        this.#collect(into, fragment.selectionSet);
      }
    }
  }

  #fragmentOnce(name: string, seen: Set<string>): FragmentDefinitionNode | undefined {
    if (seen.has(name)) return undefined;
    seen.add(name);
    return this.#fragments[name];
  }

  #applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const conditionType = this.#schema.getType(condition);
    return isAbstractType(conditionType) && this.#schema.isSubType(conditionType, type);
  }

  #field(parentType: GraphQLObjectType, name: string, nodes: readonly FieldNode[]): PlannedField {
    const [node] = nodes;
    const field = node && fieldOf(parentType, node.name.value);
    const isFirst = parentType === this.#schema.getRootType(this.#operation.operation);
    // `__schema` and `__type` are no fields of the type. `__proto__` as an alias cannot be set as a property.
    if (node === undefined || field === undefined || name === '__proto__') throw NOT_PLANNED;
    if (!isFirst && !isLeafType(getNamedType(field.type))) throw NOT_PLANNED;
    return {
      name,
      resolve: field.resolve ?? defaultFieldResolver,
      ...argsOf(field, node),
      info: this.#infoOf(parentType, field, nodes),
      shape: this.#shapeOf(field.type, nodes),
    };
  }

  #shapeOf(type: GraphQLOutputType, nodes: readonly FieldNode[]): Shape {
    if (isNonNullType(type)) return { kind: 'never null', of: this.#shapeOf(type.ofType, nodes) };
    if (isListType(type)) return { kind: 'list', of: this.#shapeOf(type.ofType, nodes) };
    if (isLeafType(type))
      return { kind: 'leaf', serialize: (value) => type.coerceOutputValue(value) };
    if (!isObjectType(type)) throw NOT_PLANNED;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    return { kind: 'object', fields: this.fieldsOf(type, sets) };
  }

  /** Only what is the same for each run. A resolver that reads anything else has the engine run the operation. */
  #infoOf(
    parentType: GraphQLObjectType,
    { name, type }: GraphQLField<unknown, unknown>,
    fieldNodes: readonly FieldNode[],
  ): GraphQLResolveInfo {
    const same: Partial<GraphQLResolveInfo> = {
      fieldName: name,
      fieldNodes,
      returnType: type,
      parentType,
      schema: this.#schema,
      fragments: this.#fragments,
      operation: this.#operation,
    };
    return new Proxy(same as GraphQLResolveInfo, {
      get(target, key) {
        if (key in target) return target[key as keyof GraphQLResolveInfo];
        throw NOT_PLANNED;
      },
    });
  }
}

/** Apollo Client and urql ask for `__typename` in every object, so a plan without it would not serve them. */
function fieldOf(
  type: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  return name === TypeNameMetaFieldDef.name ? TypeNameMetaFieldDef : type.getFields()[name];
}

function argsOf(
  { args }: GraphQLField<unknown, unknown>,
  { arguments: nodes = [] }: FieldNode,
): Pick<PlannedField, 'fixedArgs' | 'variableArgs'> {
  const fixedArgs: Record<string, unknown> = {};
  const variableArgs: { name: string; variable: string }[] = [];
  for (const arg of args) {
    const node = nodes.find(({ name }) => name.value === arg.name);
    const given = argOf(arg, node);
    if (given === undefined) continue;
    if ('variable' in given) variableArgs.push({ name: arg.name, variable: given.variable });
    else fixedArgs[arg.name] = given.value;
  }
  return { fixedArgs: Object.freeze(fixedArgs), variableArgs };
}

function argOf(
  arg: GraphQLArgument,
  node: ArgumentNode | undefined,
): { readonly variable: string } | { readonly value: unknown } | undefined {
  if (arg.default !== undefined || arg.defaultValue !== undefined) throw NOT_PLANNED;
  if (node === undefined) return undefined;
  if (node.value.kind === Kind.VARIABLE) return { variable: node.value.name.value };
  const value = coerceInputLiteral(node.value, arg.type);
  // The value is not valid, or contains a variable.
  if (value === undefined) throw NOT_PLANNED;
  return { value };
}
