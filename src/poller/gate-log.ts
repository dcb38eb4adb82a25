import type { Logger } from '../core/ports.ts';
import type { Answer } from '../upstream/answer.ts';
import type { CallBudget } from './budget.ts';
import type { GateState } from './gate.ts';

/** Tells of each trouble with the upstream when it begins, with its cause, and when it is over. */
export class GateLog {
  readonly #logger: Logger;
  readonly #budget: CallBudget;
  #trouble: { readonly name: GateState['name']; readonly since: number } | undefined;

  constructor({ logger, budget }: { readonly logger: Logger; readonly budget: CallBudget }) {
    this.#logger = logger;
    this.#budget = budget;
  }

  /** To be called with each state that the gate changes to, and with that which it starts with. */
  tell(state: GateState, now: number, answer?: Answer): void {
    if (state.name === 'proving') return;
    if (state.name === 'serving') {
      this.#tellOfEnd(now);
      return;
    }
    const isNew = this.#trouble?.name !== state.name;
    this.#trouble = { name: state.name, since: this.#trouble?.since ?? now };
    const waitSeconds = Math.ceil((state.until - now) / 1_000);
    const { callsPerMinute } = this.#budget;
    const fields = {
      ...causeOf(answer),
      ...(state.name === 'throttled' ? { callsPerMinute } : {}),
      waitSeconds,
    };
    // Each time, since each is one of the bad tries that the upstream counts.
    if (state.name === 'refused') this.#logger.error(fields, MESSAGES.refused);
    else if (isNew) this.#logger.warn(fields, MESSAGES[state.name]);
    else this.#logger.debug(fields, MESSAGES[state.name]);
  }

  #tellOfEnd(now: number): void {
    if (this.#trouble === undefined) return;
    const afterSeconds = Math.round((now - this.#trouble.since) / 1_000);
    this.#trouble = undefined;
    this.#logger.info({ afterSeconds }, 'OneClickDz answers again');
  }
}

const MESSAGES = {
  refused:
    'OneClickDz refuses the API key or this address: no more calls until the wait is over, since the fifth bad try locks the address out. Check ONECLICKDZ_API_KEY and the allowed addresses',
  throttled: 'OneClickDz asked us to slow down: after a wait, fewer calls are made',
  failing: 'OneClickDz fails: one call at a time will try it again',
} as const;

function causeOf(answer: Answer | undefined) {
  switch (answer?.kind) {
    case 'refused':
      return { httpStatus: answer.httpStatus, code: answer.upstreamCode };
    case 'failed':
      return { reason: answer.reason, httpStatus: answer.httpStatus, code: answer.networkCode };
    default:
      return {};
  }
}
