import {
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { GatewayError } from '../errors.ts';
import type { LimitName, Limits } from './limits.ts';
import { limitExceeded } from './refusal.ts';

export interface Refusal {
  readonly limit: LimitName;
  readonly error: GatewayError;
}

type DocumentLimits = Pick<Limits, 'queryDepth' | 'queryCost' | 'queryAliases' | 'introspection'>;

/** More have no use here: every one of the schema's is `@include`, `@skip` or its like. */
const MOST_DIRECTIVES = 50;

/**
 * Lists of the introspection that one operation may open: the usual query opens 9. Lists within lists
 * multiply, and unlike the gateway's own they are not counted as cost.
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
 * Refuses a document that would be too much to validate or to run, by its shape alone. In time linear to
 * its length: each fragment is measured once, however often it is spread. So it comes before the standard
 * rules, and needs none of them.
 */
export function refusalOf(document: DocumentNode, limits: DocumentLimits): Refusal | undefined {
  const measuring = new Measuring(document);
  for (const definition of document.definitions) {
    const refusal = refusalOfShape(measuring.measure(definition), limits);
    if (refusal !== undefined) return refusal;
  }
  // Of a document that goes round in circles the standard rules say so themselves.
  return measuring.directives > MOST_DIRECTIVES
    ? refuse('directives', `The query has more than ${MOST_DIRECTIVES} directives.`)
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
  // Each costs 1 at least: no need to look further, and the standard rules are spared.
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

/** What is below a definition or a selection, with all fragments followed. */
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
  /** Directives as they are written, since each is looked at once. */
  directives = 0;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #shapes = new Map<FragmentDefinitionNode, Shape>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
      // Two of one name are refused by the standard rules; until then the first is taken, as they do.
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
    // Whoever comes back here while it is being measured goes round in a circle, and finds nothing more.
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
