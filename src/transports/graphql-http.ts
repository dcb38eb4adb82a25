import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { sendNodeResponse } from '@whatwg-node/server';
import type { DocumentNode, ExecutionResult } from 'graphql';
import { AnswerCache } from '../answers/answer-cache.ts';
import {
  type Answer,
  Answers,
  type KnownQuestion,
  type Outcome,
  type UsualRequest,
} from '../answers/answers.ts';
import { KnownOperations } from '../answers/known-operations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { Live } from '../graphql/execution/live.ts';
import type { Guard } from '../limits/guard.ts';
import type { TransportOptions } from './options.ts';
import { enterStream } from './places.ts';
import { contextFor, subscriberContext } from './resolver-context.ts';
import {
  type Delivered,
  EventStreams,
  type StreamTarget,
  streamTargetOf,
} from './streams/event-streams.ts';
import type { RequestContext, Yoga } from './yoga.ts';

export interface GraphQLHttpOptions {
  readonly yoga: Yoga;
  readonly answers: Answers;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each query that ran, and was answered without Yoga. */
  readonly onQuery: (durationMs: number) => void;
}

/** What remembered answers may take, in bytes: some twenty thousand of usual ones. */
const MOST_ANSWER_BYTES = 32_000_000;

/** What stands in front of Yoga. */
export function createAnswers(options: TransportOptions): Answers {
  const { parts, tickets, guard, clock, renderings } = options;
  return new Answers({
    cache: new AnswerCache({ log: parts.log, clock, mostBytes: MOST_ANSWER_BYTES }),
    known: new KnownOperations(guard.limits),
    tickets,
    contextFor: (asker, basis) => contextFor(options, { ...asker, basis }),
    subscriberContext: (asker) => subscriberContext(options, asker),
    renderings,
  });
}

export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** Of the usual kind, whose answer may be kept. */
  readonly usual: UsualRequest | undefined;
  /** What came of it, where it ran already, and not well. */
  readonly executed: ExecutionResult | undefined;
  /** Called where the answer is an event stream, as its head is written. */
  readonly onStream: () => void;
}

/** GraphQL over HTTP: by what is known already, or by Yoga. */
export class GraphQLHttp {
  readonly #options: GraphQLHttpOptions;
  readonly #streams: EventStreams;

  constructor(options: GraphQLHttpOptions) {
    this.#options = options;
    this.#streams = new EventStreams(options);
  }

  /** Runs an operation that is known; `undefined` where Yoga has to. */
  async run(request: IncomingMessage, question: KnownQuestion): Promise<Outcome | undefined> {
    const { guard, answers, clock, onQuery } = this.#options;
    const startedAt = clock.now();
    const outcome = await answers.run(question, guard.addressOf(request));
    if (outcome !== undefined) onQuery(clock.now() - startedAt);
    return outcome;
  }

  /**
   * Streams a subscription that is known: whether it does. Else Yoga has to, or has to say why not.
   *
   * @param head all headers of the answer: name, value, name, value, …
   */
  async follow(
    { request, response }: Pick<HttpExchange, 'request' | 'response'>,
    question: KnownQuestion,
    head: readonly string[],
  ): Promise<boolean> {
    const { answers, guard } = this.#options;
    const caller = guard.addressOf(request);
    const live = await answers.subscribe(question, caller);
    if (live === undefined) return false;
    const stream = streamOf(live, response);
    if (stream === undefined || guard.connections.refusalOf(caller) !== undefined) {
      await live.return();
      return false;
    }
    enterStream(request, response, guard);
    this.#streams.begin(stream.target, stream.delivered, head);
    return true;
  }

  /** By Yoga, and so that it need not be asked the next time. */
  async serve(exchange: HttpExchange): Promise<void> {
    const { usual, executed } = exchange;
    const caller = this.#options.guard.addressOf(exchange.request);
    if (usual === undefined) await this.#byYoga(exchange, caller);
    else await this.#learnFromYoga(exchange, { usual, caller, executed });
  }

  async #byYoga(exchange: HttpExchange, caller: string): Promise<void> {
    const { answer, stream } = await this.#askYoga(exchange, { caller });
    if (stream === undefined) await send(answer, exchange);
    else this.#begin(stream, headersOf(answer));
  }

  /** What it answers; and, where that is only the head of a stream, what is to follow. */
  async #askYoga(
    { request, response, body, onStream }: HttpExchange,
    context: RequestContext,
  ): Promise<{ readonly answer: Response; readonly stream: NewStream | undefined }> {
    const { yoga, guard } = this.#options;
    let stream: NewStream | undefined;
    withBody(request, Readable.from([body]));
    // Without the response, to which Yoga would have listeners for as long as it is open.
    try {
      const answer = await yoga.handleNodeRequest(request, {
        ...context,
        onStream,
        enterStream: () => enterStream(request, response, guard),
        takeStream: (live, document) => {
          const found = streamOf(live, response);
          stream = found && { ...found, document };
          return found !== undefined;
        },
      });
      return { answer, stream };
    } catch (error) {
      await stream?.delivered.live.return();
      throw error;
    } finally {
      withBody(request, undefined);
    }
  }

  #begin({ target, delivered }: Stream, head: readonly string[]): void {
    this.#streams.begin(target, delivered, head);
  }

  async #learnFromYoga(
    exchange: HttpExchange,
    {
      usual,
      caller,
      executed,
    }: {
      readonly usual: UsualRequest;
      readonly caller: string;
      readonly executed: ExecutionResult | undefined;
    },
  ): Promise<void> {
    const { response } = exchange;
    const { answers } = this.#options;
    const draft = answers.draft();
    let document: DocumentNode | undefined;
    try {
      const { answer, stream } = await this.#askYoga(exchange, {
        caller,
        basis: draft,
        ...(executed === undefined ? {} : { executed }),
        onAnswered: (answered) => {
          document = answered;
        },
      });
      if (stream !== undefined) {
        const headers = headersOf(answer);
        answers.learnStream(usual, { headers, document: stream.document });
        this.#begin(stream, headers);
        return;
      }
      if (document === undefined || answer.status !== 200 || !isJson(answer)) {
        await send(answer, exchange);
        return;
      }
      const made = { headers: headersOf(answer), body: await answer.text() };
      answers.learn(usual, draft, { ...made, document });
      writeAnswer(response, made);
    } finally {
      if (draft.key === undefined) answers.drop(draft);
    }
  }
}

/** A subscription, and where its events go. */
interface Stream {
  readonly target: StreamTarget;
  readonly delivered: Delivered;
}

/** One of an operation that may be new. */
interface NewStream extends Stream {
  readonly document: DocumentNode;
}

/** `undefined` where it is unusual, and Yoga has to stream it. */
function streamOf(live: Live, response: ServerResponse): Stream | undefined {
  const target = streamTargetOf(response);
  const { following } = live;
  return target && following && { target, delivered: { live, following } };
}

async function send(answer: Response, { request, response }: HttpExchange): Promise<void> {
  // Nobody would read it, and what makes it would go on.
  if (response.destroyed) await answer.body?.cancel();
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

/** Where Yoga's adapter looks for a body that was read already. */
function withBody(request: IncomingMessage, body: Readable | undefined): void {
  Object.assign(request, { body });
}
