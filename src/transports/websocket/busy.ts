import { MessageType } from 'graphql-ws';

/** What begins once graphql-ws is done with the message that asked for it. */
export interface LetGo {
  begin(): void;
}

/** What a client asked for, while graphql-ws is busy with its message. */
interface Operation {
  subscription: LetGo | undefined;
  /** The client has enough of it. */
  isGivenUp: boolean;
  /** The message that asks for something else by the same id since then. */
  next: string | undefined;
}

/** What is to become of a message. */
export type Hearing = 'now' | 'later' | 'never';

/**
 * The operations of one client that graphql-ws is busy with, by their ids. It goes by the id alone: what it finds out
 * of an operation that the client has ended would be taken for that of the next one of this id, and end it, and what
 * was put aside of the one would be forgotten for the other. So the next one waits.
 */
export class Busy {
  readonly #byId = new Map<string, Operation>();

  get isOver(): boolean {
    return this.#byId.size === 0;
  }

  begin(id: string): void {
    this.#byId.set(id, { subscription: undefined, isGivenUp: false, next: undefined });
  }

  /** A subscription that graphql-ws does not wait for. */
  letGo(id: string, subscription: LetGo): void {
    const operation = this.#byId.get(id);
    if (operation !== undefined) operation.subscription = subscription;
  }

  end(id: string): Operation | undefined {
    const operation = this.#byId.get(id);
    this.#byId.delete(id);
    return operation;
  }

  /** A message has come: `later` where it is kept until the operation before it has ended, `never` for one too many. */
  hear(text: string): Hearing {
    const { id, type } = idAndType(text);
    const operation = typeof id === 'string' ? this.#byId.get(id) : undefined;
    if (operation === undefined) return 'now';
    if (type === MessageType.Complete) {
      operation.isGivenUp = true;
      operation.next = undefined;
    }
    // Of one that is not given up graphql-ws itself says that there is one.
    if (type !== MessageType.Subscribe || !operation.isGivenUp) return 'now';
    if (operation.next !== undefined) return 'never';
    operation.next = text;
    return 'later';
  }
}

/** Of a message of whatever form. What is wrong with one is for graphql-ws to say. */
function idAndType(text: string): { readonly id?: unknown; readonly type?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
