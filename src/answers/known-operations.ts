import type { DocumentNode, ExecutionArgs, ExecutionResult } from 'graphql';
import type { GraphQLContext } from '../graphql/context.ts';
import { run } from '../graphql/execution/engine.ts';
import { schema } from '../graphql/schema.ts';
import { costError } from '../limits/cost.ts';
import { rememberedByText } from '../limits/remembered-documents.ts';
import type { Params } from './params.ts';

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

/** What an operation is run with this time. */
interface RunInput {
  readonly params: Params;
  readonly contextValue: GraphQLContext;
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
  run(
    known: KnownOperation,
    input: RunInput,
  ): ExecutionResult | Promise<ExecutionResult> | undefined {
    const args = this.argsOf(known, input);
    return args && run(args);
  }

  /** What it is run with; `undefined` in the same cases. */
  argsOf(known: KnownOperation, { params, contextValue }: RunInput): ExecutionArgs | undefined {
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
