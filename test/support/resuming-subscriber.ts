import { setTimeout as pause } from 'node:timers/promises';
import { type GraphQLFormattedError, print } from 'graphql';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  FollowTopupDocument,
  type FollowTopupSubscription,
  type FollowTopupSubscriptionVariables,
} from '../../schema/typed-documents.ts';

export type TopupEvent = FollowTopupSubscription['topupStatus'];

interface Result {
  readonly data?: FollowTopupSubscription | null | undefined;
  readonly errors?: readonly Pick<GraphQLFormattedError, 'message'>[] | undefined;
}

/** Subscribes over one connection. Ends where the subscription completes, throws where the connection drops. */
export type Subscribe = (
  variables: FollowTopupSubscriptionVariables,
) => AsyncIterableIterator<Result>;

/** `following` through any number of connections, until it has `completed`, or was refused. */
type Outcome = 'following' | 'completed' | `refused: ${string}`;

const FOLLOW_TOPUP = print(FollowTopupDocument);

/** Between two attempts to reach a gateway that is not there. */
const RETRY_MS = 150;

/** Over a WebSocket of its own; `url` as it is at each attempt. */
export function overWebSocket(url: () => string): Subscribe {
  return (variables) =>
    createWebSocketClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 }).iterate({
      query: FOLLOW_TOPUP,
      variables: { ...variables },
    });
}

/** Over server-sent events; `url` as it is at each attempt. */
export function overEventStream(url: () => string): Subscribe {
  return (variables) =>
    createEventStreamClient({ url, retryAttempts: 0 }).iterate({
      query: FOLLOW_TOPUP,
      variables: { ...variables },
    });
}

export interface ResumingSubscriberOptions {
  readonly orderId: string;
  readonly subscribe: Subscribe;
  /** The last event that it has seen already, by other means; the subscription goes on after it. */
  readonly seen?: TopupEvent | undefined;
  /** What it waits for each time it is cut off, before it comes back. Nothing where left out. */
  readonly absence?: () => Promise<void>;
}

/** What an application does: keeps the cursor of its last event, and goes on after it when it was cut off. */
export class ResumingSubscriber implements Disposable {
  readonly orderId: string;
  /** All that it has seen, over all connections, in the order in which it came. */
  readonly events: TopupEvent[] = [];
  outcome: Outcome = 'following';
  /** How many connections have brought it an event. */
  connections = 0;
  readonly #subscribe: Subscribe;
  readonly #absence: () => Promise<void>;
  #results: AsyncIterator<Result> | undefined;
  #stopped = false;

  constructor({ orderId, subscribe, seen, absence = async () => {} }: ResumingSubscriberOptions) {
    this.orderId = orderId;
    this.#subscribe = subscribe;
    this.#absence = absence;
    if (seen !== undefined) this.events.push(seen);
    void this.#follow();
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    void this.#results?.return?.();
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      const before = this.connections;
      this.outcome = await this.#followOnce();
      if (this.outcome !== 'following') return;
      await (this.connections > before ? this.#absence() : pause(RETRY_MS));
    }
  }

  async #followOnce(): Promise<Outcome> {
    const after = this.events.at(-1)?.cursor ?? null;
    const results = this.#subscribe({ id: this.orderId, after });
    this.#results = results;
    let received = 0;
    try {
      for await (const { data, errors } of results) {
        if (data == null) return refusal(errors);
        this.events.push(data.topupStatus);
        received += 1;
        if (received === 1) this.connections += 1;
      }
      return 'completed';
    } catch (error) {
      // What the gateway refuses comes as a list of GraphQL errors; all else is a lost connection.
      return Array.isArray(error) ? refusal(error) : 'following';
    }
  }
}

function refusal(errors: Result['errors'] = []): Outcome {
  return `refused: ${errors.map(({ message }) => message).join(' ')}`;
}
