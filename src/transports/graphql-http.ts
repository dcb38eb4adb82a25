import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { sendNodeResponse } from '@whatwg-node/server';
import type { DocumentNode, ExecutionResult } from 'graphql';
import { AnswerCache } from '../answers/answer-cache.ts';
import {
  type Answer,
  Answers,
  type Asked,
  type KnownQuestion,
  type Ran,
} from '../answers/answers.ts';
import { KnownOperations } from '../answers/known-operations.ts';
import type { Clock } from '../core/ports.ts';
import type { Guard } from '../limits/guard.ts';
import { enterStream } from './places.ts';
import { contextFor, type RequestContext, type Yoga, type YogaOptions } from './yoga.ts';

export interface GraphQLHttpOptions {
  readonly yoga: Yoga;
  readonly answers: Answers;
  readonly guard: Guard;
  readonly clock: Clock;
  /** Told of each query that ran, and was answered without Yoga. */
  readonly onQuery: (durationMs: number) => void;
}

/** What remembered answers may take, in bytes: some twenty thousand of usual ones. */
const MOST_ANSWER_BYTES = 32_000_000;

/** What stands in front of Yoga. */
export function createAnswers(options: YogaOptions): Answers {
  const { parts, tickets, guard, clock } = options;
  return new Answers({
    cache: new AnswerCache({ log: parts.log, clock, mostBytes: MOST_ANSWER_BYTES }),
    known: new KnownOperations(guard.limits),
    tickets,
    contextFor: (asker, basis) => contextFor(options, { ...asker, basis }),
  });
}

export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** Of the usual kind, whose answer may be kept. */
  readonly asked: Asked | undefined;
  /** What came of it, where it ran already, and not well. */
  readonly executed: ExecutionResult | undefined;
  /** Called where the answer is an event stream, as its head is written. */
  readonly onStream: () => void;
}

/** GraphQL over HTTP: by what is known already, or by Yoga. */
export class GraphQLHttp {
  readonly #options: GraphQLHttpOptions;

  constructor(options: GraphQLHttpOptions) {
    this.#options = options;
  }

  /** Runs an operation that is known; `undefined` where Yoga has to. */
  async run(request: IncomingMessage, question: KnownQuestion): Promise<Ran | undefined> {
    const { guard, answers, clock, onQuery } = this.#options;
    const startedAt = clock.now();
    const ran = await answers.run(question, guard.addressOf(request));
    if (ran !== undefined) onQuery(clock.now() - startedAt);
    return ran;
  }

  /** By Yoga, and so that it need not be asked the next time. */
  async serve(exchange: HttpExchange): Promise<void> {
    const { asked, executed } = exchange;
    const caller = this.#options.guard.addressOf(exchange.request);
    if (asked === undefined) await this.#byYoga(exchange, caller);
    else await this.#learnFromYoga(exchange, { asked, caller, executed });
  }

  async #byYoga(exchange: HttpExchange, caller: string): Promise<void> {
    const answer = await this.#askYoga(exchange, { caller });
    await sendNodeResponse(answer, exchange.response, exchange.request, true);
  }

  async #askYoga(
    { request, response, body, onStream }: HttpExchange,
    asked: RequestContext,
  ): Promise<Response> {
    const { yoga, guard } = this.#options;
    withBody(request, body);
    return yoga.handleNodeRequestAndResponse(request, response, {
      ...asked,
      onStream,
      enterStream: () => enterStream(request, response, guard),
    });
  }

  async #learnFromYoga(
    exchange: HttpExchange,
    known: {
      readonly asked: Asked;
      readonly caller: string;
      readonly executed: ExecutionResult | undefined;
    },
  ): Promise<void> {
    const { request, response } = exchange;
    const { answers } = this.#options;
    const { asked, caller, executed } = known;
    const draft = answers.draft();
    let document: DocumentNode | undefined;
    try {
      const answer = await this.#askYoga(exchange, {
        caller,
        basis: draft,
        ...(executed === undefined ? {} : { executed }),
        onAnswered: (answered) => {
          document = answered;
        },
      });
      if (document === undefined || answer.status !== 200 || !isJson(answer)) {
        await sendNodeResponse(answer, response, request, true);
        return;
      }
      const made = { headers: [...answer.headers].flat(), body: await answer.text() };
      answers.learn(asked, draft, { ...made, document });
      writeAnswer(response, made);
    } finally {
      if (draft.key === undefined) answers.drop(draft);
    }
  }
}

function writeAnswer(response: ServerResponse, { headers, body }: Answer): void {
  response.writeHead(200, [...headers]).end(body);
}

function isJson({ headers }: Response): boolean {
  return headers.get('content-type')?.includes('json') ?? false;
}

/** Where Yoga's adapter looks for a body that was read already. */
function withBody(request: IncomingMessage, body: Buffer): void {
  Object.assign(request, { body: Readable.from([body]) });
}
