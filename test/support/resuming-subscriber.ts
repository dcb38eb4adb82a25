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

/** Subscribes over one connection. Returns when the subscription completes, throws when the connection drops. */
export type Subscribe = (
  variables: FollowTopupSubscriptionVariables,
) => AsyncIterableIterator<Result>;

/** `following` over any number of connections, until the subscription has `completed` or was refused. */
type Outcome = 'following' | 'completed' | `refused: ${string}`;

const FOLLOW_TOPUP = print(FollowTopupDocument);

/** The delay between two attempts to reach a gateway that is down. */
const RETRY_MS = 150;

/** Subscribes over a WebSocket of its own; calls `url` at each attempt. */
export function overWebSocket(url: () => string): Subscribe {
  return (variables) =>
    createWebSocketClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 }).iterate({
      query: FOLLOW_TOPUP,
      variables: { ...variables },
    });
}

/** Subscribes over server-sent events; calls `url` at each attempt. */
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
  /** The last event that the subscriber has already seen by other means; the subscription continues after it. */
  readonly seen?: TopupEvent | undefined;
  /** Awaited each time the subscriber is disconnected, before it reconnects. By default it reconnects at once. */
  readonly absence?: () => Promise<void>;
}

/** Subscribes as an application does: keeps the cursor of the last event, and resumes from it after a disconnection. */
export class ResumingSubscriber implements Disposable {
  readonly orderId: string;
  /** All events received, over all connections, in the order of their arrival. */
  readonly events: TopupEvent[] = [];
  outcome: Outcome = 'following';
  /** How many connections have delivered at least one event. */
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
      // A refusal is a list of GraphQL errors; anything else is a lost connection.
      return Array.isArray(error) ? refusal(error) : 'following';
    }
  }
}

function refusal(errors: Result['errors'] = []): Outcome {
  return `refused: ${errors.map(({ message }) => message).join(' ')}`;
}
