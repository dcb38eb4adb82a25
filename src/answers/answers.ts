import type { DocumentNode, ExecutionResult } from 'graphql';
import type { Tickets } from '../auth/tickets.ts';
import type { Access } from '../core/access.ts';
import type { Basis } from '../core/basis.ts';
import type { Asker, GraphQLContext } from '../graphql/context.ts';
import { Live, subscribeLive } from '../graphql/execution/live.ts';
import type { Renderings } from '../graphql/execution/renderings.ts';
import type { AnswerCache, Draft } from './answer-cache.ts';
import type { KnownOperation, KnownOperations } from './known-operations.ts';
import { type Params, paramsOfAddress, paramsOfBody } from './params.ts';
import { SeenBefore } from './seen-before.ts';

/** What is sent, byte for byte, but for the id of the request. Always with a status of 200. */
export interface Answer {
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  /** A text, since Node sends one in the same packet as the head, and bytes in a second piece. */
  readonly body: string;
}

/** A request of the usual kind. */
export interface UsualRequest {
  /** What is in its head that an answer may depend on; see `usualHead`. */
  readonly head: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

/** What came of an operation that was known. */
export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** It has errors, and what is told of those is for Yoga to say. */
  | { readonly kind: 'failed'; readonly result: ExecutionResult };

/** What Yoga made of a request, where all went well. */
export interface YogaAnswer extends Answer {
  readonly document: DocumentNode;
}

/** A question whose operation is known: all that is checked before one runs was checked of its like. */
export interface KnownQuestion {
  /** Of the answer. */
  readonly key: string;
  readonly operation: KnownOperation;
  readonly params: Params;
  readonly access: Access;
}

interface Running {
  readonly draft: Draft<Answer>;
  readonly outcome: Promise<Outcome | undefined>;
}

export interface AnswersOptions {
  readonly cache: AnswerCache<Answer>;
  readonly known: KnownOperations;
  readonly tickets: Tickets;
  /** What resolvers are given. */
  readonly contextFor: (asker: Asker, basis: Basis) => GraphQLContext;
  /** The same for a subscription. */
  readonly subscriberContext: (asker: Asker) => GraphQLContext;
  /** Shared with all transports. */
  readonly renderings: Renderings;
}

/**
 * What stands in front of Yoga: answers that it gave before and that still hold, and operations that it has
 * answered before, run without the rest of it. All that is new or unusual is Yoga's.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #seen = new SeenBefore();
  readonly #running = new Map<string, Running>();

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /**
   * Whatever was asked, what was answered before and still holds; or the question, if its operation is known.
   * `undefined` for all others.
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
   * `undefined` where Yoga has to. Who asks the same while it runs gets what comes of it, unless an order in it was
   * written meanwhile, or was read so long ago that it no longer holds.
   */
  async run(question: KnownQuestion, caller: string): Promise<Outcome | undefined> {
    const { cache } = this.#options;
    // What one caller is refused is nobody else's.
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
      if (draft.key === undefined) cache.drop(draft);
    }
  }

  async #runAnew(
    { key, operation, params, access }: KnownQuestion,
    caller: string,
    draft: Draft<Answer>,
  ): Promise<Outcome | undefined> {
    const { known, contextFor } = this.#options;
    const contextValue = contextFor({ access, caller }, draft);
    const result = await known.run(operation, { params, contextValue });
    if (result === undefined) return undefined;
    if (result.errors !== undefined) return { kind: 'failed', result };
    const answer = answerOf(result, operation.headers);
    // Once is not hot: to keep what nobody asks for again costs more than to make it.
    if (this.#seen.has(key)) this.#keep(key, draft, answer);
    return { kind: 'answered', answer };
  }

  /** Begins a subscription; `undefined` where Yoga has to, or has to say why not. */
  async subscribe(
    { operation, params, access }: KnownQuestion,
    caller: string,
  ): Promise<Live | undefined> {
    const { known, subscriberContext, renderings } = this.#options;
    const contextValue = subscriberContext({ access, caller });
    const args = known.argsOf(operation, { params, contextValue });
    const live = args && (await subscribeLive(args, renderings));
    return live instanceof Live ? live : undefined;
  }

  draft(): Draft<Answer> {
    return this.#options.cache.draft();
  }

  /** Gives up what was made with a draft. */
  drop(draft: Draft<Answer>): void {
    this.#options.cache.drop(draft);
  }

  /** Takes down what Yoga answered, to be given again; of a query by GET that very answer alone. */
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

  /** Takes down that Yoga streamed a subscription, and with what head. */
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

/** By what may be seen, not by the ticket: two that allow the same get the same. */
function keyOf({ head, body }: UsualRequest, { rights }: Access): string {
  return `${head}${rights}\n${body.toString('latin1')}`;
}

/** Whether it is an answer, of those two. */
export function isAnswer(known: Answer | KnownQuestion): known is Answer {
  return 'body' in known;
}

function isPost({ head }: UsualRequest): boolean {
  return head.startsWith('POST');
}

/** What is asked, if it is usual, and the head that its operation is known by: without the question. */
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
