import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  GraphQLFormattedError,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { FollowedEvent } from '../../feed/following.ts';
import type { GraphQLContext } from '../context.ts';
import type { Mask } from '../errors.ts';
import { type OnPlanGivenUp, run } from './engine.ts';

/** One event, as all subscribers of a rendering get to see it. */
export interface Rendered extends ExecutionResult {
  /** Serialises the event once, for all subscribers. */
  stringify(): string;
}

interface RenderingsOptions {
  readonly mask: Mask;
  readonly onPlanGivenUp: OnPlanGivenUp;
}

/** Shared by all renderings. */
interface RenderingParts extends RenderingsOptions {
  /** Called when a rendering starts to keep a rendered event, which it does until `forget`. */
  readonly onHeld: (rendering: Rendering) => void;
}

/** Where subscribers with the same operation, variables and rights find their rendering. */
interface Place {
  readonly byKey: Map<string, Rendering>;
  readonly key: string;
}

/**
 * Renders the events of one operation for all subscribers with the same variables and rights: each event is executed
 * and serialised once, however many subscribers it goes to.
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

  get document(): DocumentNode {
    return this.#args.document;
  }

  /** The length of the variables and of all else that, with the document, tells the rendering from others. */
  get keyLength(): number {
    return this.#place.key.length;
  }

  /** Adds a user. */
  take(): void {
    this.#users += 1;
    this.#place.byKey.set(this.#place.key, this);
  }

  /** Removes a user. Returns whether it was the last one. */
  giveBack(): boolean {
    this.#users -= 1;
    if (this.#users > 0) return false;
    this.#place.byKey.delete(this.#place.key);
    return true;
  }

  /** Renders an event; synchronous if no field has to wait. For the same event again, returns the same object. */
  of(event: FollowedEvent): Rendered | Promise<Rendered> {
    if (this.#rendered === undefined || !this.has(event)) {
      this.#event = event;
      this.#rendered = this.#render(event);
      this.#parts.onHeld(this);
    }
    return this.#rendered;
  }

  /** Whether the event is rendered, or is being rendered. */
  has(event: FollowedEvent): boolean {
    return event === this.#event;
  }

  /** The next call of `of` renders its event anew. */
  forget(): void {
    this.#event = undefined;
    this.#rendered = undefined;
  }

  #render(event: FollowedEvent): Rendered | Promise<Rendered> {
    const result = run({ ...this.#args, rootValue: event }, this.#parts.onPlanGivenUp);
    return result instanceof Promise
      ? result.then((late) => this.#toRendered(late, event))
      : this.#toRendered(result, event);
  }

  #toRendered({ errors, data = null }: ExecutionResult, event: FollowedEvent): Rendered {
    const masked = errors?.map(this.#parts.mask);
    // An internal error is not kept, since it may be over when the next subscriber asks.
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

/** The `http` extension of an error is for Yoga, not for clients. */
function withoutHttp(error: GraphQLError): GraphQLFormattedError {
  const { extensions: { http: _http, ...extensions } = {}, ...rest } = error.toJSON();
  return { ...rest, extensions };
}

/** How many different rights there are at a time, about one for each customer; without tickets there is only one. */
const MOST_CONTEXTS = 1_000;

/** How many renderings keep their last event: enough for the events of one moment, not for all idle subscribers. */
const MOST_RENDERED = 128;

/** The renderings in use: one for each operation with its variables and rights. */
export class Renderings {
  readonly #parts: RenderingParts;
  readonly #byDocument = new WeakMap<DocumentNode, Map<string, Rendering>>();
  /** The resolvers' contexts for events, by rights. */
  readonly #contexts = new LRUCache<string, GraphQLContext>({ max: MOST_CONTEXTS });
  /** The renderings that keep a rendered event. */
  readonly #recent = new LRUCache<Rendering, true>({
    max: MOST_RENDERED,
    dispose: (_true, rendering) => rendering.forget(),
  });

  constructor(options: RenderingsOptions) {
    this.#parts = { ...options, onHeld: (rendering) => void this.#recent.set(rendering, true) };
  }

  /** Must be given back once, by `giveBack`. */
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

  /** The arguments with the context that all subscribers with the same rights share. */
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
