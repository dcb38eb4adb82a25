import type { DocumentNode, ExecutionArgs, ExecutionResult } from 'graphql';
import type { GraphQLContext } from '../graphql/context.ts';
import { run } from '../graphql/engine.ts';
import { schema } from '../graphql/schema.ts';
import { costError } from '../limits/cost.ts';
import { rememberedByText } from '../limits/remembered-documents.ts';

/** What a client sent in a usual request, in its body or its address. */
export interface Params {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>> | null;
}

/** An operation that Yoga has parsed, found valid, and answered or streamed before. */
export interface KnownOperation {
  readonly kind: 'query' | 'subscription';
  readonly document: DocumentNode;
  /** As Yoga wrote them, but for the length. */
  readonly headers: readonly string[];
  /**
   * The variables that it came with, where all were texts: whatever texts they are, it costs the same.
   * `undefined` where the cost has to be measured each time.
   */
  readonly texts: string | undefined;
}

interface Asked {
  readonly params: Params;
  readonly contextValue: GraphQLContext;
}

/** The body of a usual request; `undefined` for all that Yoga may have more to say of. */
export function paramsOf(body: Buffer): Params | undefined {
  return paramsIn(parse(body));
}

/** What is usual among what a client may have sent. */
export function paramsIn(parsed: unknown): Params | undefined {
  if (!isObject(parsed)) return undefined;
  const { query, operationName = null, variables = null, ...others } = parsed;
  if (Object.keys(others).length > 0 || typeof query !== 'string') return undefined;
  if (operationName !== null && typeof operationName !== 'string') return undefined;
  if (variables !== null && !isObject(variables)) return undefined;
  return { query, operationName, variables };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Operations that need not go through Yoga again: all that it does with one, but to run it, came to the same
 * the last time.
 */
export class KnownOperations {
  readonly #known = rememberedByText<KnownOperation>();
  readonly #queryCost: number;

  constructor({ queryCost }: { readonly queryCost: number }) {
    this.#queryCost = queryCost;
  }

  /** Yoga has answered this one, with a status of 200 and without an error; or found that it may be streamed. */
  learn(head: string, params: Params, told: Omit<KnownOperation, 'texts'>): void {
    this.#known.set(nameOf(head, params), { ...told, texts: textsIn(params) });
  }

  find(head: string, params: Params): KnownOperation | undefined {
    return this.#known.get(nameOf(head, params));
  }

  /** `undefined` where Yoga may have something else to say of it this time. */
  run(known: KnownOperation, asked: Asked): ExecutionResult | Promise<ExecutionResult> | undefined {
    const args = this.argsOf(known, asked);
    return args && run(args);
  }

  /** What it is run with; `undefined` in the same cases. */
  argsOf(known: KnownOperation, { params, contextValue }: Asked): ExecutionArgs | undefined {
    const args = {
      schema,
      document: known.document,
      variableValues: params.variables,
      operationName: params.operationName,
      contextValue,
    };
    const costsTheSame = known.texts !== undefined && known.texts === textsIn(params);
    if (!costsTheSame && costError(args, this.#queryCost) !== undefined) return undefined;
    return args;
  }
}

function nameOf(head: string, { query, operationName }: Params): string {
  return `${head}${operationName === null ? '' : JSON.stringify(operationName)}\n${query}`;
}

/** The names of the variables, if all are texts. */
function textsIn({ variables }: Params): string | undefined {
  let names = '';
  for (const [name, value] of Object.entries(variables ?? {})) {
    if (typeof value !== 'string') return undefined;
    // A name may hold whatever a client likes.
    names += JSON.stringify(name);
  }
  return names;
}
