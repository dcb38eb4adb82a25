import { AnswerCache } from '../answers/answer-cache.ts';
import { Answers } from '../answers/answers.ts';
import { KnownOperations } from '../answers/known-operations.ts';
import type { SnapshotLog } from '../core/store.ts';
import type { TransportOptions } from './options.ts';
import { contextFor, subscriberContext } from './resolver-context.ts';

/** The size limit of all remembered answers, in bytes: some twenty thousand of the usual size. */
const MOST_ANSWER_BYTES = 32_000_000;

interface AnswersParts extends TransportOptions {
  /** Its writes drop the answers that they change. */
  readonly log: Pick<SnapshotLog, 'onWrite'>;
}

export function createAnswers(options: AnswersParts): Answers {
  const { log, tickets, guard, clock, renderings, onPlanGivenUp } = options;
  return new Answers({
    cache: new AnswerCache({ log, clock, mostBytes: MOST_ANSWER_BYTES }),
    known: new KnownOperations({ queryCost: guard.limits.queryCost }),
    tickets,
    contextFor: (asker, basis) => contextFor(options, { ...asker, basis }),
    subscriberContext: (asker) => subscriberContext(options, asker),
    renderings,
    onPlanGivenUp,
  });
}
