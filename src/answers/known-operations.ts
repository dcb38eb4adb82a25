import type { DocumentNode, ExecutionArgs } from 'graphql';
import type { GraphQLContext } from '../graphql/context.ts';
import { schema } from '../graphql/schema.ts';
import { costError } from '../limits/cost.ts';
import { rememberedByText } from '../limits/remembered-documents.ts';
import type { Params } from './params.ts';

/** An operation that Yoga has parsed, found valid, and answered or streamed before. */
export interface KnownOperation {
  readonly kind: 'query' | 'subscription';
  readonly document: DocumentNode;
  /** The response headers that Yoga wrote, without `content-length`. */
  readonly headers: readonly string[];
  /**
   * The names of the variables that the operation came with, if all their values were strings: with other strings it
   * costs the same. `undefined` if the cost has to be computed each time.
   */
  readonly texts: string | undefined;
}

interface KnownOperationsOptions {
  /** The most that an operation may cost with the variables that it is sent with. */
  readonly queryCost: number;
}

/** The input of one run of an operation. */
interface RunInput {
  readonly params: Params;
  readonly contextValue: GraphQLContext;
}

/**
 * Operations that need not go through Yoga again: except for executing them, everything that Yoga does would have the
 * same outcome as the last time.
 */
export class KnownOperations {
  readonly #known = rememberedByText<KnownOperation>();
  readonly #options: KnownOperationsOptions;

  constructor(options: KnownOperationsOptions) {
    this.#options = options;
  }

  /** To be called once Yoga has answered the operation with status 200 and no error, or has begun to stream it. */
  learn(head: string, params: Params, told: Omit<KnownOperation, 'texts'>): void {
    this.#known.set(nameOf(head, params), { ...told, texts: textsIn(params) });
  }

  find(head: string, params: Params): KnownOperation | undefined {
    return this.#known.get(nameOf(head, params));
  }

  /** The arguments to run the operation with; `undefined` if it costs too much this time, which Yoga has to report. */
  argsOf(known: KnownOperation, { params, contextValue }: RunInput): ExecutionArgs | undefined {
    const args = {
      schema,
      document: known.document,
      variableValues: params.variables,
      operationName: params.operationName,
      contextValue,
    };
    const costsTheSame = known.texts !== undefined && known.texts === textsIn(params);
    if (!costsTheSame && costError(args, this.#options.queryCost) !== undefined) return undefined;
    return args;
  }
}

function nameOf(head: string, { query, operationName }: Params): string {
  return `${head}${operationName === null ? '' : JSON.stringify(operationName)}\n${query}`;
}

/** The names of the variables, if all their values are strings. */
function textsIn({ variables }: Params): string | undefined {
  let names = '';
  for (const [name, value] of Object.entries(variables ?? {})) {
    if (typeof value !== 'string') return undefined;
    // Escaped, since a client may put any character into a name.
    names += JSON.stringify(name);
  }
  return names;
}
