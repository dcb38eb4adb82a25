import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import {
  type Answer,
  type Answers,
  isAnswer,
  type KnownQuestion,
  type UsualRequest,
} from '../../answers/answers.ts';
import { usualHead } from '../../answers/request-head.ts';
import type { Tickets } from '../../auth/tickets.ts';
import type { GatewayStatus, GatewayStatusSource } from '../../core/gateway-status.ts';
import { loggedError } from '../../core/logged-error.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import { toPublicError } from '../../graphql/errors.ts';
import { refusal } from '../../graphql/rights.ts';
import type { Guard } from '../../limits/guard.ts';
import type { Drain } from '../drain.ts';
import type { ForeignPages } from '../foreign-pages.ts';
import { type LazyPage, wantsPage } from '../graphiql/lazy-page.ts';
import { corsHeadersFor, isForUs, isFromForeignPage, type Names } from '../origin.ts';
import { GRAPHQL_PATH, hasAddress, pathOf } from '../paths.ts';
import { errorAnswer, FOREIGN_PAGE, MISDIRECTED, NO_ADDRESS, refuseBody } from '../refusals.ts';
import { collectBody, readBody } from './body.ts';
import { Exchange } from './exchange.ts';
import type { GraphQLHttp } from './graphql.ts';
import { SECURITY_HEADERS, setSecurityHeaders } from './headers.ts';
import { Health } from './health.ts';
import { sendError, sendJson } from './json.ts';
import { RequestIds } from './request-id.ts';

/** Makes the text for Prometheus; `status` is `undefined` if the snapshot log cannot be read. */
type Scrape = (
  status: GatewayStatus | undefined,
) => Promise<{ readonly contentType: string; readonly text: string }>;

export interface HttpRequestsOptions extends Names {
  readonly graphql: GraphQLHttp;
  readonly answers: Answers;
  /** Called for each answer that was given from memory. */
  readonly onRemembered: () => void;
  readonly drain: Drain;
  readonly status: GatewayStatusSource;
  readonly scrape: Scrape;
  readonly guard: Guard;
  /** GraphiQL, if it is on. */
  readonly page: LazyPage | undefined;
  readonly foreignPages: ForeignPages;
  readonly tickets: Tickets;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is known about a request before it is passed to Yoga. */
interface Findings {
  /** Set if the request is of the usual kind. */
  readonly usual?: UsualRequest;
  /** The result of the operation, if it has already run and has failed. */
  readonly executed?: ExecutionResult | undefined;
  /** When the request began, by `Clock.steady`. */
  readonly startedAt?: number;
  /** Whether the request has had its turn: it was first tried without Yoga. */
  readonly hadItsTurn?: boolean;
}

/** A request for a known operation. */
interface KnownRequest {
  readonly usual: UsualRequest;
  readonly question: KnownQuestion;
  readonly startedAt: number;
}

const NO_BODY = Buffer.alloc(0);

/** Answers HTTP requests: those for GraphQL from memory or by a known operation where it can, all others in full. */
export class HttpRequests {
  readonly #options: HttpRequestsOptions;
  readonly #requestIds = new RequestIds();
  readonly #health: Health;
  #closing = false;

  constructor(options: HttpRequestsOptions) {
    this.#options = options;
    this.#health = new Health(options);
  }

  /** From now on each response is the last one of its connection, and the gateway says that it is not ready. */
  close(): void {
    this.#closing = true;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Exchange(request, response, this.#options.drain);
    const head = usualHead(request, GRAPHQL_PATH);
    const length = Number(request.headers['content-length'] ?? 0);
    if (head === undefined || length > this.#options.guard.limits.bodyBytes) {
      this.#answerInFull(exchange);
    } else if (length === 0) this.#answerUsual(exchange, { head, body: NO_BODY });
    else {
      const onBody = (body: Buffer) => this.#answerUsual(exchange, { head, body });
      collectBody(request, { length, onBody, onWait: () => exchange.enter() });
    }
  }

  /** Answers from memory if an answer still holds, or runs the operation if it is known; else leaves it to Yoga. */
  #answerUsual(
    exchange: Exchange,
    { head, body }: { readonly head: string; readonly body: Buffer },
  ): void {
    const { request } = exchange;
    const { answers, clock, onRemembered } = this.#options;
    const startedAt = clock.steady();
    const usual = { head, body, authorization: request.headers.authorization };
    const known = this.#closing ? undefined : answers.answerOrQuestion(usual);
    if (known === undefined) this.#answerInFull(exchange, { usual });
    else if (isAnswer(known)) {
      this.#send(exchange, known, startedAt);
      onRemembered();
    } else this.#run(exchange, { usual, question: known, startedAt });
  }

  #run(exchange: Exchange, known: KnownRequest): void {
    const { request, response } = exchange;
    const { usual, question, startedAt } = known;
    exchange.enter();
    this.#respond(response, async () => {
      if (await this.#isGoneByItsTurn(exchange)) return;
      if (question.operation.kind === 'subscription') return this.#follow(exchange, known);
      const outcome = await this.#options.graphql.run(request, question);
      if (outcome?.kind === 'answered') this.#send(exchange, outcome.answer, startedAt);
      else {
        const executed = outcome?.result;
        this.#answerInFull(exchange, { usual, executed, startedAt, hadItsTurn: true });
      }
    });
  }

  /** Waits until the client's address may have another operation run. Returns whether the client has left by then. */
  #isGoneByItsTurn({ request, response }: Exchange): boolean | Promise<boolean> {
    const { guard } = this.#options;
    const turn = guard.turns.take(guard.addressOf(request));
    return turn === undefined ? false : turn.then(() => response.destroyed);
  }

  async #follow(exchange: Exchange, { usual, question, startedAt }: KnownRequest): Promise<void> {
    const { request, response } = exchange;
    const requestId = this.#requestIds.of(request);
    const head = ['x-request-id', requestId, ...SECURITY_HEADERS, ...question.operation.headers];
    if (await this.#options.graphql.follow({ request, response }, question, head)) {
      exchange.leave();
      this.#logWhenDone({ request, response }, requestId, startedAt);
    } else this.#answerInFull(exchange, { usual, startedAt, hadItsTurn: true });
  }

  #send(exchange: Exchange, answer: Answer, startedAt: number): void {
    const { request, response } = exchange;
    const requestId = this.#requestIds.of(request);
    const headers = ['x-request-id', requestId, ...SECURITY_HEADERS, ...answer.headers];
    if (this.#closing) headers.push('connection', 'close');
    response.writeHead(200, headers).end(answer.body);
    // Usually the operating system has taken the whole response by now.
    if (!response.writableFinished) exchange.enter();
    const { method } = request;
    const durationMs = this.#options.clock.steady() - startedAt;
    const fields = { requestId, method, path: GRAPHQL_PATH, httpStatus: 200, durationMs };
    this.#options.logger.debug(fields, 'request');
  }

  #answerInFull(exchange: Exchange, findings: Findings = {}): void {
    const { request, response } = exchange;
    exchange.enter();
    const requestId = this.#requestIds.of(request);
    response.setHeader('x-request-id', requestId);
    setSecurityHeaders(response);
    // After a request with an `Upgrade` header, Node drops what came in the same chunk: no pipelined request survives.
    const isLast = this.#closing || request.headers.upgrade !== undefined;
    if (isLast) response.setHeader('connection', 'close');
    const { startedAt = this.#options.clock.steady() } = findings;
    this.#logWhenDone({ request, response }, requestId, startedAt);
    if (!isForUs(request, this.#options)) {
      sendJson(response, 421, errorAnswer('FORBIDDEN', MISDIRECTED));
      return;
    }
    switch (pathOf(request)) {
      case '/':
        response.writeHead(302, { location: GRAPHQL_PATH }).end();
        break;
      case '/health/live':
        sendJson(response, 200, { status: 'live' });
        break;
      case '/health/ready':
        this.#respond(response, () => this.#sendReadiness(response));
        break;
      case '/metrics':
        this.#respond(response, () => this.#sendMetrics(request, response));
        break;
      default:
        this.#serveGraphQL(exchange, findings);
    }
  }

  #serveGraphQL(exchange: Exchange, { usual, executed, hadItsTurn }: Findings): void {
    const { request, response } = exchange;
    const { page, guard, clock, graphql } = this.#options;
    this.#respond(response, async () => {
      if (page !== undefined && pathOf(request) === GRAPHQL_PATH && wantsPage(request))
        return page.send(response);
      // To Yoga, that would be a fault of its own.
      if (!hasAddress(request))
        return sendJson(response, 400, errorAnswer('BAD_USER_INPUT', NO_ADDRESS));
      if (isFromForeignPage(request.headers, this.#options.allowedOrigins)) {
        this.#options.foreignPages.refused(request.headers.origin);
        return sendJson(response, 403, errorAnswer('FORBIDDEN', FOREIGN_PAGE));
      }
      const body = usual?.body ?? (await readBody(request, guard.limits.bodyBytes));
      if (body === 'gone') return;
      if (body === 'too large') {
        guard.onRefused('body');
        const headers = corsHeadersFor(request.headers, this.#options.allowedOrigins);
        const { bodyBytes: mostBytes } = guard.limits;
        return refuseBody(request, response, { mostBytes, headers, clock });
      }
      if (!hadItsTurn && (await this.#isGoneByItsTurn(exchange))) return;
      // A shutdown does not wait for event streams, which do not end by themselves: clients reconnect with a cursor.
      const onStream = () => exchange.leave();
      await graphql.serve({ request, response, body, usual, executed, onStream });
    });
  }

  #respond(response: ServerResponse, respond: () => Promise<void>): void {
    respond().catch((error: unknown) => {
      this.#options.logger.error(loggedError(error), 'a request could not be answered');
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { status: 'error' });
    });
  }

  async #sendReadiness(response: ServerResponse): Promise<void> {
    const { ready, problems } = await this.#health.readiness({ draining: this.#closing });
    sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', problems });
  }

  async #sendMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const access = await this.#options.tickets.accessOf(request.headers.authorization);
      if (!access.has('operator')) throw refusal(access, '/metrics');
    } catch (error) {
      sendError(response, toPublicError(error, this.#options.logger));
      return;
    }
    const { contentType, text } = await this.#options.scrape(await this.#health.status());
    response.writeHead(200, { 'content-type': contentType }).end(text);
  }

  #logWhenDone(
    { request, response }: Pick<Exchange, 'request' | 'response'>,
    requestId: string,
    startedAt: number,
  ): void {
    const { clock, logger } = this.#options;
    const path = pathOf(request);
    // Not `once`, which would keep a second function for as long as a stream is open.
    response.on('close', () => {
      const { statusCode: httpStatus } = response;
      const fields = {
        requestId,
        method: request.method,
        path,
        httpStatus,
        durationMs: clock.steady() - startedAt,
      };
      // A 503 is no fault: no place for a stream, or not ready, of which probes ask all day.
      if (httpStatus >= 500 && httpStatus !== 503) logger.warn(fields, 'request');
      else logger.debug(fields, 'request');
    });
  }
}
