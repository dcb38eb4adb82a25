import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { sendNodeResponse } from '@whatwg-node/server';
import type { DocumentNode, ExecutionResult } from 'graphql';
import type {
  Answer,
  Answers,
  KnownQuestion,
  Outcome,
  UsualRequest,
} from '../../answers/answers.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import type { Live } from '../../graphql/execution/live.ts';
import type { Guard } from '../../limits/guard.ts';
import { enterStream } from '../places.ts';
import type { RequestContext } from '../request-context.ts';
import {
  EventStreams,
  lastEventOf,
  type StreamTarget,
  streamTargetOf,
} from '../streams/event-streams.ts';
import type { Yoga } from '../yoga.ts';

interface GraphQLHttpOptions {
  readonly yoga: Yoga;
  readonly answers: Answers;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for each query that ran without Yoga. */
  readonly onQuery: (durationMs: number) => void;
}

/** A request for GraphQL, with its body, and its response. */
interface GraphQLExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** Set if the request is of the usual kind, whose answer may be kept. */
  readonly usual: UsualRequest | undefined;
  /** The result of the operation, if it has already run and has failed. */
  readonly executed: ExecutionResult | undefined;
  /** Called when the head of an event stream is written. */
  readonly onStream: () => void;
}

/** GraphQL over HTTP, by known operations or by Yoga. */
export class GraphQLHttp {
  readonly #options: GraphQLHttpOptions;
  readonly #streams: EventStreams;

  constructor(options: GraphQLHttpOptions) {
    this.#options = options;
    this.#streams = new EventStreams(options);
  }

  /** Runs a known operation; `undefined` if Yoga has to handle the request. */
  async run(request: IncomingMessage, question: KnownQuestion): Promise<Outcome | undefined> {
    const { guard, answers, clock, onQuery } = this.#options;
    const startedAt = clock.steady();
    const outcome = await answers.run(question, guard.addressOf(request));
    if (outcome !== undefined) onQuery(clock.steady() - startedAt);
    return outcome;
  }

  /**
   * Streams a known subscription. Returns `false` if Yoga has to stream it, or has to tell the client why it cannot.
   *
   * @param head all headers of the response: name, value, name, value, …
   */
  async follow(
    { request, response }: Pick<GraphQLExchange, 'request' | 'response'>,
    question: KnownQuestion,
    head: readonly string[],
  ): Promise<boolean> {
    const { answers, guard } = this.#options;
    const caller = guard.addressOf(request);
    const live = await answers.subscribe(question, { caller, lastEvent: lastEventOf(request) });
    if (live === undefined) return false;
    const target = streamTargetOf(response);
    if (target === undefined || guard.connections.refusalOf(caller) !== undefined) {
      await live.return();
      return false;
    }
    enterStream(request, response, guard);
    this.#streams.begin(target, live, head);
    return true;
  }

  /** Has Yoga answer the request. Learns from its answer to a usual one, so that the next can do without Yoga. */
  async serve(exchange: GraphQLExchange): Promise<void> {
    const { request, response, usual, executed } = exchange;
    const { answers, guard } = this.#options;
    const draft = usual && answers.draft();
    let document: DocumentNode | undefined;
    try {
      const { answer, live, target } = await this.#askYoga(exchange, {
        caller: guard.addressOf(request),
        lastEvent: lastEventOf(request),
        basis: draft,
        executed,
        onAnswered: (answered) => {
          document = answered;
        },
      });
      if (live !== undefined && target !== undefined) {
        const headers = headersOf(answer);
        if (usual !== undefined) answers.learnStream(usual, { headers, document: live.document });
        this.#streams.begin(target, live, headers);
      } else if (usual && draft && document && answer.status === 200 && isJson(answer)) {
        const made = { headers: headersOf(answer), body: await answer.text() };
        answers.learn(usual, draft, { ...made, document });
        writeAnswer(response, made);
      } else await send(exchange, { answer, live });
    } finally {
      if (draft !== undefined && draft.kept === undefined) answers.drop(draft);
    }
  }

  async #askYoga(
    { request, response, body, onStream }: GraphQLExchange,
    context: RequestContext,
  ): Promise<YogaResponse> {
    const { yoga, guard } = this.#options;
    let live: Live | undefined;
    let target: StreamTarget | undefined;
    withBody(request, Readable.from([body]));
    // Yoga is not given the response: it would keep listeners on it for as long as the response is open.
    try {
      const answer = await yoga.handleNodeRequest(request, {
        ...context,
        onStream,
        enterStream: () => enterStream(request, response, guard),
        takeStream: (begun) => {
          live = begun;
          target = streamTargetOf(response);
          return target !== undefined;
        },
      });
      return { answer, live, target };
    } catch (error) {
      await live?.return();
      throw error;
    } finally {
      withBody(request, undefined);
    }
  }
}

interface YogaResponse {
  readonly answer: Response;
  /** The subscription, if the answer is an event stream. */
  readonly live: Live | undefined;
  /** Where the gateway sends the events itself: then the answer is only the head. If not set, they are in its body. */
  readonly target: StreamTarget | undefined;
}

async function send(
  { request, response }: GraphQLExchange,
  { answer, live }: Pick<YogaResponse, 'answer' | 'live'>,
): Promise<void> {
  // Yoga begins a stream once its body is read, which it never is. Until then `cancel` fails, and ends nothing.
  if (response.destroyed) await live?.return();
  else await sendNodeResponse(answer, response, request, true);
}

function writeAnswer(response: ServerResponse, { headers, body }: Answer): void {
  response.writeHead(200, [...headers]).end(body);
}

function headersOf({ headers }: Response): readonly string[] {
  return [...headers].flat();
}

function isJson({ headers }: Response): boolean {
  return headers.get('content-type')?.includes('json') ?? false;
}

/** Sets the property in which Yoga's adapter looks for a body that was read already. */
function withBody(request: IncomingMessage, body: Readable | undefined): void {
  Object.assign(request, { body });
}
