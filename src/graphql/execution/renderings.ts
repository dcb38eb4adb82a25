import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  GraphQLFormattedError,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { FollowedEvent } from '../../feed/feed.ts';
import type { GraphQLContext } from '../context.ts';
import type { Mask } from '../errors.ts';
import { run } from './engine.ts';

/** One event, as those who asked the same get to see it. */
export interface Rendered extends ExecutionResult {
  /** Yoga's way to leave the serialising to the result itself: it was done once, for all. */
  stringify(): string;
}

/** What is there once for all renderings. */
interface RenderingParts {
  readonly mask: Mask;
  /** Called when one holds what it made, until `forget`. */
  readonly onHeld: (rendering: Rendering) => void;
}

/** Where a rendering is found, by those who ask the same. */
interface Place {
  readonly byKey: Map<string, Rendering>;
  readonly key: string;
}

/**
 * How the events of one operation look to all who may see the same: each is executed and serialised once,
 * however many subscribers it goes to.
 */
export class Rendering {
  readonly #args: ExecutionArgs;
  readonly #parts: RenderingParts;
  readonly #place: Place;
  #users = 0;
  #event: FollowedEvent | undefined;
  #rendered: Rendered | Promise<Rendered> | undefined;

  constructor(args: ExecutionArgs, place: Place, parts: RenderingParts) {
    this.#args = args;
    this.#place = place;
    this.#parts = parts;
  }

  /** Somebody uses it. */
  take(): void {
    this.#users += 1;
    this.#place.byKey.set(this.#place.key, this);
  }

  /** Somebody uses it no longer: whether nobody does. */
  giveBack(): boolean {
    this.#users -= 1;
    if (this.#users > 0) return false;
    this.#place.byKey.delete(this.#place.key);
    return true;
  }

  /** At once where no field has to wait for anything. Who is given the same state is given the same object. */
  of(event: FollowedEvent): Rendered | Promise<Rendered> {
    if (this.#rendered === undefined || event !== this.#event) {
      this.#event = event;
      this.#rendered = this.#render(event);
      this.#parts.onHeld(this);
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
    const masked = errors?.map(this.#parts.mask);
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

/** The renderings in use: one for each operation, its variables, and what may be seen. */
export class Renderings {
  readonly #parts: RenderingParts;
  readonly #byDocument = new WeakMap<DocumentNode, Map<string, Rendering>>();
  /** What resolvers of events are given, once for all who may see the same. */
  readonly #contexts = new LRUCache<string, GraphQLContext>({ max: MOST_CONTEXTS });
  /** Those that hold an event that they made. */
  readonly #recent = new LRUCache<Rendering, true>({
    max: MOST_RENDERED,
    dispose: (_true, rendering) => rendering.forget(),
    noDisposeOnSet: true,
  });

  constructor(mask: Mask) {
    this.#parts = { mask, onHeld: (rendering) => void this.#recent.set(rendering, true) };
  }

  /** To be given back once. */
  take(args: ExecutionArgs): Rendering {
    const byKey = this.#byDocument.get(args.document) ?? new Map<string, Rendering>();
    this.#byDocument.set(args.document, byKey);
    const key = keyOf(args);
    const rendering =
      byKey.get(key) ?? new Rendering(this.#shared(args), { byKey, key }, this.#parts);
    rendering.take();
    return rendering;
  }

  giveBack(rendering: Rendering): void {
    if (rendering.giveBack()) this.#recent.delete(rendering);
  }

  /** What resolvers of events are given is the same for all who may see the same. */
  #shared(args: ExecutionArgs): ExecutionArgs {
    const { schema, document, operationName, variableValues } = args;
    const own = contextOf(args);
    const contextValue = this.#contexts.get(own.access.rights) ?? own;
    this.#contexts.set(own.access.rights, contextValue);
    return { schema, document, operationName, variableValues, contextValue };
  }
}

function keyOf(args: ExecutionArgs): string {
  const { operationName, variableValues } = args;
  return JSON.stringify([contextOf(args).access.rights, operationName, variableValues]);
}

function contextOf({ contextValue }: ExecutionArgs): GraphQLContext {
  return contextValue as GraphQLContext;
}
