import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { AnswerCache } from '../../src/answers/answer-cache.ts';
import { Answers, type UsualRequest } from '../../src/answers/answers.ts';
import { KnownOperations } from '../../src/answers/known-operations.ts';
import { FULL_ACCESS } from '../../src/core/access.ts';
import { toPublicError } from '../../src/graphql/errors.ts';
import { Renderings } from '../../src/graphql/execution/renderings.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const QUERY = 'subscription ($id: ID!) { topupStatus(id: $id) { status } }';
const HEADERS = ['content-type', 'text/event-stream'];

function open(): Answers {
  const logger = recordingLogger();
  const nobody = () => {
    throw new Error('nothing is run here');
  };
  return new Answers({
    cache: new AnswerCache({
      log: createMemoryStore(),
      clock: new ManualClock(),
      mostBytes: 1_000,
    }),
    known: new KnownOperations({ queryCost: 100 }),
    tickets: { accessOf: async () => FULL_ACCESS, recall: () => FULL_ACCESS },
    contextFor: nobody,
    subscriberContext: nobody,
    renderings: new Renderings({
      mask: (error) => toPublicError(error, logger),
      onPlanGivenUp: nobody,
    }),
    onPlanGivenUp: nobody,
  });
}

type Way = (id: string, accept?: string) => UsualRequest;

const byPost: Way = (id, accept = 'text/event-stream') => ({
  head: `POST /graphql\n${accept}\n`,
  authorization: undefined,
  body: Buffer.from(JSON.stringify({ query: QUERY, variables: { id } })),
});

const byGet: Way = (id, accept = 'text/event-stream') => {
  const question = new URLSearchParams({ query: QUERY, variables: JSON.stringify({ id }) });
  return {
    head: `GET /graphql?${question}\n${accept}\n`,
    authorization: undefined,
    body: Buffer.alloc(0),
  };
};

it.each([
  ['POST', byPost],
  ['GET', byGet],
])('a subscription that was streamed is known by its text, for all orders: by %s', (_name, way) => {
  const answers = open();
  expect(answers.answerOrQuestion(way('a'))).toBeUndefined();
  answers.learnStream(way('a'), { headers: HEADERS, document: parse(QUERY) });
  expect(answers.answerOrQuestion(way('b'))).toMatchObject({
    operation: { kind: 'subscription', headers: HEADERS },
    params: { query: QUERY, variables: { id: 'b' } },
  });
  expect(answers.answerOrQuestion(way('b', '*/*'))).toBeUndefined();
  const other = way === byPost ? byGet : byPost;
  expect(answers.answerOrQuestion(other('b'))).toBeUndefined();
});
