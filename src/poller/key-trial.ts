import type { Logger } from '../core/ports.ts';
import { type KeyAnswer, type KeyFacts, maySend } from '../upstream/answer.ts';
import type { UpstreamClient } from '../upstream/client.ts';

interface KeyTrialOptions {
  readonly client: Pick<UpstreamClient, 'validate'>;
  readonly logger: Logger;
  /** What the gateway takes for the limit of the key, since it was not told; `undefined` if it was. */
  readonly assumedCallsPerMinute: number | undefined;
}

const SHARED =
  'the API key may send orders too, so calls are left for those that your backend sends with it; a READ-ONLY key for the gateway alone would have all its calls for looking at orders';

const UNKNOWN =
  'OneClickDz has not said what the API key is for, so calls are left for orders that your backend may send with it';

/** Asks once, at the start, whether the key is good: otherwise a wrong one would show only when somebody asks. */
export class KeyTrial {
  readonly #options: KeyTrialOptions;
  readonly #abort = new AbortController();
  #isDue = true;

  constructor(options: KeyTrialOptions) {
    this.#options = options;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** Makes the call. Calls `onAnswer` when the answer arrives. */
  async run(onAnswer: (answer: KeyAnswer) => void): Promise<void> {
    this.#isDue = false;
    const answer = await this.#options.client.validate(this.#abort.signal);
    onAnswer(answer);
    if (answer.kind === 'validated') this.#tell(answer.key);
    if (answer.kind === 'failed' && answer.reason !== 'aborted') this.#tellOfSharing(UNKNOWN);
  }

  /** Ends the call if it is in flight. */
  giveUp(): void {
    this.#abort.abort();
  }

  #tell(key: KeyFacts): void {
    const { logger, assumedCallsPerMinute } = this.#options;
    const { type, scope, isEnabled } = key;
    logger.info({ type, scope }, 'OneClickDz accepts the API key');
    if (isEnabled === false) {
      logger.warn({}, 'OneClickDz says that the API key is disabled: it may refuse its calls');
    }
    if (maySend(key)) this.#tellOfSharing(SHARED);
    if (type === 'SANDBOX' && assumedCallsPerMinute !== undefined) {
      logger.warn(
        {},
        `the API key is a sandbox key, good for 60 calls a minute, and the gateway takes it for one of ${assumedCallsPerMinute}: set UPSTREAM_CALLS_PER_MINUTE=60`,
      );
    }
  }

  /** Whoever has set the limit knows. */
  #tellOfSharing(message: string): void {
    const { logger, assumedCallsPerMinute } = this.#options;
    if (assumedCallsPerMinute !== undefined) logger.info({}, message);
  }
}
