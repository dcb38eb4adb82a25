import { AnswerCache } from '../answers/answer-cache.ts';
import { Answers } from '../answers/answers.ts';
import { KnownOperations } from '../answers/known-operations.ts';
import type { TransportOptions } from './options.ts';
import { contextFor, subscriberContext } from './resolver-context.ts';

/** The size limit of all remembered answers, in bytes: some twenty thousand of the usual size. */
const MOST_ANSWER_BYTES = 32_000_000;

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
