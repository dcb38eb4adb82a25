import type { DocumentNode, ExecutionResult } from 'graphql';
import type { Tickets } from '../auth/tickets.ts';
import type { Access } from '../core/access.ts';
import type { Basis } from '../core/basis.ts';
import type { Asker, GraphQLContext, Subscriber } from '../graphql/context.ts';
import { type OnPlanGivenUp, run } from '../graphql/execution/engine.ts';
import { Live, subscribeLive } from '../graphql/execution/live.ts';
import type { Renderings } from '../graphql/execution/renderings.ts';
import type { AnswerCache, Draft } from './answer-cache.ts';
import type { KnownOperation, KnownOperations } from './known-operations.ts';
import { type Params, paramsOfAddress, paramsOfBody } from './params.ts';
import { SeenBefore } from './seen-before.ts';

/** A response as it is sent, without the request id and the security headers. The status is always 200. */
export interface Answer {
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  /** A string: Node sends a string in one packet with the head, but a buffer in a second piece. */
  readonly body: string;
}

/** A request of the usual kind, which may be answered without Yoga. */
export interface UsualRequest {
  /** Everything in the request head that the answer may depend on; see `usualHead`. */
  readonly head: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

/** The outcome of running a known operation. */
export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** The result has errors, and Yoga decides what the client is told of them. */
  | { readonly kind: 'failed'; readonly result: ExecutionResult };

/** Yoga's response to a request that was executed without an error. */
export interface YogaAnswer extends Answer {
  readonly document: DocumentNode;
}

/** A request whose operation is known: Yoga has parsed and validated that operation before. */
export interface KnownQuestion {
  /** The cache key of the answer. */
  readonly key: string;
  readonly operation: KnownOperation;
  readonly params: Params;
  readonly access: Access;
}

interface Running {
  readonly draft: Draft<Answer>;
  readonly outcome: Promise<Outcome | undefined>;
}

interface AnswersOptions {
  readonly cache: AnswerCache<Answer>;
  readonly known: KnownOperations;
  readonly tickets: Tickets;
  /** Makes the resolvers' context for a query. */
  readonly contextFor: (asker: Asker, basis: Basis) => GraphQLContext;
  /** Makes the resolvers' context for a subscription. */
  readonly subscriberContext: (subscriber: Subscriber) => GraphQLContext;
  /** Shared with all transports. */
  readonly renderings: Renderings;
  readonly onPlanGivenUp: OnPlanGivenUp;
}

/**
 * Stands in front of Yoga. Gives answers that were given before and still hold. Runs operations that Yoga has answered
 * before, without going through Yoga again. Everything new or unusual is left to Yoga.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #seen = new SeenBefore();
  readonly #running = new Map<string, Running>();

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /**
   * The remembered answer to a request, if it still holds; else the question, if its operation is known. `undefined` if
   * Yoga has to handle the request.
   */
  answerOrQuestion(request: UsualRequest): Answer | KnownQuestion | undefined {
    const { cache, known, tickets } = this.#options;
    const access = tickets.recall(request.authorization);
    if (access === undefined) return undefined;
    const key = keyOf(request, access);
    const answer = cache.get(key);
    if (answer !== undefined) return answer;
    const question = questionIn(request);
    const operation = question && known.find(question.head, question.params);
    return operation && { key, operation, params: question.params, access };
  }

  /**
   * Runs a known operation; `undefined` if Yoga has to handle the request. An identical request that comes while the
   * operation runs shares its outcome, unless an order in it was written meanwhile, or was read so long ago that the
   * outcome no longer holds.
   */
  async run(question: KnownQuestion, caller: string): Promise<Outcome | undefined> {
    const { cache } = this.#options;
    // Runs are not shared between callers: a caller that is refused a lookup must be the only one to be told so.
    const runKey = `${question.access.ticket ?? caller}\n${question.key}`;
    const running = this.#running.get(runKey);
    if (running !== undefined && cache.mayShare(running.draft)) return running.outcome;
    const draft = cache.draft();
    const outcome = this.#runAnew(question, caller, draft);
    this.#running.set(runKey, { draft, outcome });
    try {
      return await outcome;
    } finally {
      if (this.#running.get(runKey)?.draft === draft) this.#running.delete(runKey);
      if (draft.kept === undefined) cache.drop(draft);
    }
  }

  async #runAnew(
    { key, operation, params, access }: KnownQuestion,
    caller: string,
    draft: Draft<Answer>,
  ): Promise<Outcome | undefined> {
    const { known, contextFor, onPlanGivenUp } = this.#options;
    const contextValue = contextFor({ access, caller }, draft);
    const args = known.argsOf(operation, { params, contextValue });
    if (args === undefined) return undefined;
    const result = await run(args, onPlanGivenUp);
    if (result.errors !== undefined) return { kind: 'failed', result };
    const answer = answerOf(result, operation.headers);
    // Only from the second time on: to keep an answer that nobody asks for again costs more than to make it.
    if (this.#seen.has(key)) this.#keep(key, draft, answer);
    return { kind: 'answered', answer };
  }

  /** Begins a subscription; `undefined` if Yoga has to begin it, or has to tell the client why it cannot. */
  async subscribe(
    { operation, params, access }: KnownQuestion,
    { caller, lastEvent }: Omit<Subscriber, 'access'>,
  ): Promise<Live | undefined> {
    const { known, subscriberContext, renderings } = this.#options;
    const contextValue = subscriberContext({ access, caller, lastEvent });
    const args = known.argsOf(operation, { params, contextValue });
    const live = args && (await subscribeLive(args, renderings));
    return live instanceof Live ? live : undefined;
  }

  draft(): Draft<Answer> {
    return this.#options.cache.draft();
  }

  /** Gives up the answer that was being made with this draft. */
  drop(draft: Draft<Answer>): void {
    this.#options.cache.drop(draft);
  }

  /** Remembers Yoga's answer and, for a request by POST, the operation. */
  learn(
    request: UsualRequest,
    draft: Draft<Answer>,
    { headers, body, document }: YogaAnswer,
  ): void {
    const question = isPost(request) ? questionIn(request) : undefined;
    if (question !== undefined) {
      const told = { kind: 'query', document, headers: withoutLength(headers) } as const;
      this.#options.known.learn(question.head, question.params, told);
    }
    const access = this.#options.tickets.recall(request.authorization);
    if (access !== undefined) this.#keep(keyOf(request, access), draft, { headers, body });
  }

  /** Remembers the operation of a subscription that Yoga streamed, with the headers of that stream. */
  learnStream(request: UsualRequest, { headers, document }: Omit<YogaAnswer, 'body'>): void {
    const question = questionIn(request);
    if (question === undefined) return;
    const told = { kind: 'subscription', document, headers } as const;
    this.#options.known.learn(question.head, question.params, told);
  }

  #keep(key: string, draft: Draft<Answer>, answer: Answer): void {
    this.#options.cache.keep(draft, key, { value: answer, bytes: 2 * answer.body.length });
  }
}

/** Holds the rights instead of the ticket, so that two tickets that allow the same share their answers. */
function keyOf({ head, body }: UsualRequest, { rights }: Access): string {
  return `${head}${rights}\n${body.toString('latin1')}`;
}

/** Tells an answer from a question. */
export function isAnswer(known: Answer | KnownQuestion): known is Answer {
  return 'body' in known;
}

function isPost({ head }: UsualRequest): boolean {
  return head.startsWith('POST');
}

/**
 * The parameters of a request, and the head by which its operation is known, without the query string of a GET.
 * `undefined` if the parameters are unusual.
 */
function questionIn(
  request: UsualRequest,
): { readonly head: string; readonly params: Params } | undefined {
  const { head, body } = request;
  if (isPost(request)) {
    const params = paramsOfBody(body);
    return params && { head, params };
  }
  const mark = head.indexOf('?');
  const end = head.indexOf('\n');
  const params = paramsOfAddress(head.slice(mark + 1, end));
  return params && { head: head.slice(0, mark) + head.slice(end), params };
}

function answerOf(result: ExecutionResult, headers: readonly string[]): Answer {
  const body = JSON.stringify(result);
  return { headers: [...headers, LENGTH, String(Buffer.byteLength(body))], body };
}

const LENGTH = 'content-length';

function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_text, at) => headers[at - (at % 2)] !== LENGTH);
}
