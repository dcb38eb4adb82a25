import {
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { GatewayError } from '../errors.ts';
import { type LimitName, type Limits, limitExceeded } from './limits.ts';

export interface Refusal {
  readonly limit: LimitName;
  readonly error: GatewayError;
}

type DocumentLimits = Pick<Limits, 'queryDepth' | 'queryCost' | 'queryAliases' | 'introspection'>;

/** No query needs more: the schema has only `@include`, `@skip` and the like. */
const MOST_DIRECTIVES = 50;

/**
 * In characters. An alias is sent again for each item of a list, and the introspection lists hundreds: an alias as long
 * as a body may be would make an answer of tens of megabytes. Code generators write less than half of this.
 */
const LONGEST_ALIAS = 100;

/**
 * How many introspection lists one operation may open; the usual introspection query opens 9. Lists within lists
 * multiply, and unlike the gateway's own lists they do not add to the cost.
 */
const MOST_INTROSPECTION_LISTS = 20;

const INTROSPECTION_LISTS: ReadonlySet<string> = new Set([
  'types',
  'directives',
  'fields',
  'args',
  'inputFields',
  'interfaces',
  'possibleTypes',
  'enumValues',
]);

/**
 * Refuses a document that would take too much to validate or to run, by its shape alone. Takes time linear in the
 * length of the document: each fragment is measured once, however often it is spread. So this check comes before the
 * standard validation rules, and relies on none of them.
 */
export function refusalOf(document: DocumentNode, limits: DocumentLimits): Refusal | undefined {
  const measuring = new Measuring(document);
  for (const definition of document.definitions) {
    const refusal = refusalOfShape(measuring.measure(definition), limits);
    if (refusal !== undefined) return refusal;
  }
  // Fragments that spread each other in a cycle are reported by the standard rules.
  if (measuring.directives > MOST_DIRECTIVES) {
    return refuse('directives', `The query has more than ${MOST_DIRECTIVES} directives.`);
  }
  return measuring.longestAlias > LONGEST_ALIAS
    ? refuse('aliases', `The query has an alias of more than ${LONGEST_ALIAS} characters.`)
    : undefined;
}

function refusalOfShape(shape: Shape, limits: DocumentLimits): Refusal | undefined {
  const { queryDepth, queryAliases, queryCost } = limits;
  if (shape.depth > queryDepth) {
    return refuse('depth', `The query is more than ${queryDepth} fields deep.`);
  }
  if (shape.aliases > queryAliases) {
    return refuse('aliases', `The query has more than ${queryAliases} aliases.`);
  }
  // Each selection is taken to cost at least 1: an early refusal, which spares the standard rules the work.
  if (shape.selections > queryCost) {
    return refuse('cost', `The query costs more than ${queryCost}.`);
  }
  if (shape.introspects && !limits.introspection) {
    const message = 'This gateway does not tell its schema.';
    return { limit: 'introspection', error: new GatewayError('FORBIDDEN', message) };
  }
  return shape.introspectionLists > MOST_INTROSPECTION_LISTS
    ? refuse('introspection', 'The query asks for too much of the schema at once.')
    : undefined;
}

function refuse(limit: LimitName, message: string): Refusal {
  return { limit, error: limitExceeded(message) };
}

/** The measures of a definition or a selection, with all fragments followed. */
interface Shape {
  readonly depth: number;
  readonly aliases: number;
  readonly selections: number;
  readonly introspects: boolean;
  readonly introspectionLists: number;
}

const NOTHING: Shape = {
  depth: 0,
  aliases: 0,
  selections: 0,
  introspects: false,
  introspectionLists: 0,
};

class Measuring {
  /** Directives as written: those in a fragment count once, however often it is spread. */
  directives = 0;
  longestAlias = 0;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #shapes = new Map<FragmentDefinitionNode, Shape>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
      // The standard rules refuse two fragments with the same name. Until then the first is used, as those rules do.
      const { value } = definition.name;
      if (!this.#fragments.has(value)) this.#fragments.set(value, definition);
    }
  }

  measure(definition: DefinitionNode): Shape {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) return this.#fragment(definition);
    if (definition.kind !== Kind.OPERATION_DEFINITION) return NOTHING;
    this.#countDirectives(definition);
    for (const variable of definition.variableDefinitions ?? []) this.#countDirectives(variable);
    return this.#selectionSet(definition.selectionSet);
  }

  #fragment(definition: FragmentDefinitionNode): Shape {
    const known = this.#shapes.get(definition);
    if (known !== undefined) return known;
    // A fragment that spreads itself is found here while it is still being measured, and adds nothing.
    this.#shapes.set(definition, NOTHING);
    this.#countDirectives(definition);
    const shape = this.#selectionSet(definition.selectionSet);
    this.#shapes.set(definition, shape);
    return shape;
  }

  #selectionSet(set: SelectionSetNode | undefined): Shape {
    return (set?.selections ?? [])
      .map((selection) => this.#selection(selection))
      .reduce(both, NOTHING);
  }

  #selection(selection: SelectionNode): Shape {
    this.#countDirectives(selection);
    switch (selection.kind) {
      case Kind.FRAGMENT_SPREAD: {
        const definition = this.#fragments.get(selection.name.value);
        const below = definition === undefined ? NOTHING : this.#fragment(definition);
        return { ...below, selections: below.selections + 1 };
      }
      case Kind.INLINE_FRAGMENT: {
        const below = this.#selectionSet(selection.selectionSet);
        return { ...below, selections: below.selections + 1 };
      }
      case Kind.FIELD: {
        const below = this.#selectionSet(selection.selectionSet);
        const name = selection.name.value;
        this.longestAlias = Math.max(this.longestAlias, selection.alias?.value.length ?? 0);
        return {
          depth: below.depth + 1,
          aliases: below.aliases + (selection.alias === undefined ? 0 : 1),
          selections: below.selections + 1,
          introspects: below.introspects || name === '__schema' || name === '__type',
          introspectionLists: below.introspectionLists + (INTROSPECTION_LISTS.has(name) ? 1 : 0),
        };
      }
    }
  }

  #countDirectives({ directives }: { readonly directives?: readonly unknown[] | undefined }): void {
    this.directives += directives?.length ?? 0;
  }
}

function both(one: Shape, other: Shape): Shape {
  return {
    depth: Math.max(one.depth, other.depth),
    aliases: one.aliases + other.aliases,
    selections: one.selections + other.selections,
    introspects: one.introspects || other.introspects,
    introspectionLists: one.introspectionLists + other.introspectionLists,
  };
}
