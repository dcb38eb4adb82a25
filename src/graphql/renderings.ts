import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  GraphQLFormattedError,
} from 'graphql';
import { LRUCache } from 'lru-cache';
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
  readonly #options: { readonly mask: Mask; readonly onRendered: (rendering: Rendering) => void };
  #event: FollowedEvent | undefined;
  #rendered: Rendered | Promise<Rendered> | undefined;

  constructor(
    args: ExecutionArgs,
    options: { readonly mask: Mask; readonly onRendered: (rendering: Rendering) => void },
  ) {
    this.#args = args;
    this.#options = options;
  }

  /** At once where no field has to wait for anything. Who is given the same state is given the same object. */
  of(event: FollowedEvent): Rendered | Promise<Rendered> {
    if (this.#rendered === undefined || event !== this.#event) {
      this.#event = event;
      this.#rendered = this.#render(event);
      this.#options.onRendered(this);
    }
    return this.#rendered;
  }

  /** Whoever comes for the same event later has it made anew. */
  forget(): void {
    this.#event = undefined;
    this.#rendered = undefined;
  }

  #render(event: FollowedEvent): Rendered | Promise<Rendered> {
    const result = run({ ...this.#args, rootValue: event });
    return result instanceof Promise
      ? result.then((late) => this.#toRendered(late, event))
      : this.#toRendered(result, event);
  }

  #toRendered({ errors, data = null }: ExecutionResult, event: FollowedEvent): Rendered {
    const masked = errors?.map(this.#options.mask);
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

/** As many different tickets as there are customers at a time; those of one gateway without any are one. */
const MOST_CONTEXTS = 1_000;

/** As many as are given out at about the same time; what idle subscribers were last sent is not kept for them. */
const MOST_RENDERED = 128;

interface Place {
  readonly byKey: Map<string, Rendering>;
  readonly key: string;
  users: number;
}

/** The renderings in use: one for each operation, its variables, and what may be seen. */
export class Renderings {
  readonly #mask: Mask;
  readonly #byDocument = new WeakMap<DocumentNode, Map<string, Rendering>>();
  readonly #places = new WeakMap<Rendering, Place>();
  /** What resolvers of events are given, once for all who may see the same. */
  readonly #contexts = new LRUCache<string, GraphQLContext>({ max: MOST_CONTEXTS });
  /** Those that hold an event that they made. */
  readonly #recent = new LRUCache<Rendering, true>({
    max: MOST_RENDERED,
    dispose: (_true, rendering) => rendering.forget(),
    noDisposeOnSet: true,
  });

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /** To be given back once. */
  take(args: ExecutionArgs): Rendering {
    const byKey = this.#byDocument.get(args.document) ?? new Map<string, Rendering>();
    this.#byDocument.set(args.document, byKey);
    const key = keyOf(args);
    const rendering = byKey.get(key) ?? this.#renderingOf(args);
    byKey.set(key, rendering);
    const place = this.#places.get(rendering) ?? { byKey, key, users: 0 };
    this.#places.set(rendering, place);
    place.users += 1;
    return rendering;
  }

  giveBack(rendering: Rendering): void {
    const place = this.#places.get(rendering);
    if (place === undefined) return;
    place.users -= 1;
    if (place.users > 0) return;
    place.byKey.delete(place.key);
    this.#recent.delete(rendering);
  }

  #renderingOf(args: ExecutionArgs): Rendering {
    const own = contextOf(args);
    const contextValue = this.#contexts.get(own.access.rights) ?? own;
    this.#contexts.set(own.access.rights, contextValue);
    const onRendered = (rendering: Rendering) => void this.#recent.set(rendering, true);
    return new Rendering({ ...args, contextValue }, { mask: this.#mask, onRendered });
  }
}

function keyOf(args: ExecutionArgs): string {
  const { operationName, variableValues } = args;
  return JSON.stringify([contextOf(args).access.rights, operationName, variableValues]);
}

function contextOf({ contextValue }: ExecutionArgs): GraphQLContext {
  return contextValue as GraphQLContext;
}
