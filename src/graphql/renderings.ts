import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  GraphQLFormattedError,
} from 'graphql';
import type { FollowedEvent } from '../feed/feed.ts';
import type { GraphQLContext } from './context.ts';
import { run } from './engine.ts';

/** One event, as those who asked the same get to see it. */
export interface Rendered extends ExecutionResult {
  /** Yoga's way to leave the serialising to the result itself: it was done once, for all. */
  stringify(): string;
}

/** Decides what a client is told of an error. */
export type Mask = (error: unknown) => GraphQLError;

/**
 * How the events of one operation look to all who may see the same: each is executed and serialised once,
 * however many subscribers it goes to.
 */
export class Rendering {
  readonly #args: ExecutionArgs;
  readonly #mask: Mask;
  #event: FollowedEvent | undefined;
  #rendered: Rendered | Promise<Rendered> | undefined;

  constructor(args: ExecutionArgs, mask: Mask) {
    this.#args = args;
    this.#mask = mask;
  }

  /** At once where no field has to wait for anything. Who is given the same state is given the same object. */
  of(event: FollowedEvent): Rendered | Promise<Rendered> {
    if (this.#rendered === undefined || event !== this.#event) {
      this.#event = event;
      this.#rendered = this.#render(event);
    }
    return this.#rendered;
  }

  #render(event: FollowedEvent): Rendered | Promise<Rendered> {
    const result = run({ ...this.#args, rootValue: event });
    return result instanceof Promise
      ? result.then((late) => this.#toRendered(late, event))
      : this.#toRendered(result, event);
  }

  #toRendered({ errors, data = null }: ExecutionResult, event: FollowedEvent): Rendered {
    const masked = errors?.map(this.#mask);
    // A fault of ours may be over when the next one asks.
    if (masked?.some(isInternal) && event === this.#event) this.#event = undefined;
    const told = masked === undefined ? { data } : { errors: masked, data };
    let text: string | undefined;
    const stringify = () => {
      text ??= JSON.stringify({ ...told, errors: masked?.map(withoutHttp) });
      return text;
    };
    return { ...told, stringify };
  }
}

function isInternal({ extensions }: GraphQLError): boolean {
  return extensions['code'] === 'INTERNAL_SERVER_ERROR';
}

/** What Yoga is told of HTTP in the extensions of an error is not for clients. */
function withoutHttp(error: GraphQLError): GraphQLFormattedError {
  const { extensions: { http: _http, ...extensions } = {}, ...rest } = error.toJSON();
  return { ...rest, extensions };
}

interface Shared {
  readonly rendering: Rendering;
  users: number;
}

/** The renderings in use: one for each operation, its variables, and what may be seen. */
export class Renderings {
  readonly #mask: Mask;
  readonly #byDocument = new WeakMap<DocumentNode, Map<string, Shared>>();

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /** To be given back by calling what is returned beside it, once. */
  take(args: ExecutionArgs) {
    const byKey = this.#byDocument.get(args.document) ?? new Map<string, Shared>();
    this.#byDocument.set(args.document, byKey);
    const key = keyOf(args);
    const shared = byKey.get(key) ?? { rendering: new Rendering(args, this.#mask), users: 0 };
    byKey.set(key, shared);
    shared.users += 1;
    const giveBack = () => {
      shared.users -= 1;
      if (shared.users === 0) byKey.delete(key);
    };
    return { rendering: shared.rendering, giveBack };
  }
}

function keyOf({ operationName, variableValues, contextValue }: ExecutionArgs): string {
  const { rights } = (contextValue as GraphQLContext).access;
  return JSON.stringify([rights, operationName, variableValues]);
}
