import { MessageType } from 'graphql-ws';
import { parseJson } from '../../core/parse-json.ts';
import type { Held } from './held.ts';

/** A subscription that begins once graphql-ws has handled the message that started it. */
export interface WaitingSubscription {
  begin(): void;
}

/** An operation whose message graphql-ws is still handling. */
interface Operation {
  /** What it will hold if it is a subscription and begins. */
  held: Held | undefined;
  subscription: WaitingSubscription | undefined;
  /** Whether the client has sent `complete` for it. */
  isGivenUp: boolean;
  /** A later message that starts another operation by the same id. */
  next: string | undefined;
}

/** What to do with a message. */
type Hearing = 'now' | 'later' | 'never';

/**
 * The operations of one client whose messages graphql-ws is still handling, by id. graphql-ws identifies an operation
 * by its id alone. If a client completes an operation and reuses the id while graphql-ws is still handling the first
 * one, the result of the first would be sent as that of the second, and the second could be ended or forgotten. So the
 * second operation waits until the first has been handled.
 */
export class Busy {
  readonly #byId = new Map<string, Operation>();

  get isOver(): boolean {
    return this.#byId.size === 0;
  }

  get size(): number {
    return this.#byId.size;
  }

  begin(id: string): void {
    this.#byId.set(id, {
      held: undefined,
      subscription: undefined,
      isGivenUp: false,
      next: undefined,
    });
  }

  /** Notes what the subscription will hold once it has begun. */
  hold(id: string, held: Held): void {
    const operation = this.#byId.get(id);
    if (operation !== undefined) operation.held = held;
  }

  /** What the subscriptions that are about to begin will hold, by id. */
  get held(): Iterable<[id: string, held: Held]> {
    return [...this.#byId].flatMap(([id, { held }]) => (held === undefined ? [] : [[id, held]]));
  }

  /** Adds the subscription that begins once the operation's message has been handled. */
  beginLater(id: string, subscription: WaitingSubscription): void {
    const operation = this.#byId.get(id);
    if (operation !== undefined) operation.subscription = subscription;
  }

  end(id: string): Operation | undefined {
    const operation = this.#byId.get(id);
    this.#byId.delete(id);
    return operation;
  }

  /**
   * Takes note of a message. `now`: pass it to graphql-ws. `later`: it is kept until the earlier operation of its id
   * has been handled. `never`: one message is kept already.
   */
  hear(text: string): Hearing {
    const { id, type } = idAndType(text);
    const operation = typeof id === 'string' ? this.#byId.get(id) : undefined;
    if (operation === undefined) return 'now';
    if (type === MessageType.Complete) {
      operation.isGivenUp = true;
      operation.next = undefined;
    }
    // A second operation by the id of a live one is refused by graphql-ws itself.
    if (type !== MessageType.Subscribe || !operation.isGivenUp) return 'now';
    if (operation.next !== undefined) return 'never';
    operation.next = text;
    return 'later';
  }
}

/** Reads any message. An invalid one is reported by graphql-ws. */
function idAndType(text: string): { readonly id?: unknown; readonly type?: unknown } {
  return Object(parseJson(text));
}
