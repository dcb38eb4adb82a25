import type { Admission } from './admission.ts';
import type { CallBudget, StartedCall } from './budget.ts';
import type { Calls } from './calls.ts';
import type { Choice, Job } from './choice.ts';
import type { KeyTrial } from './key-trial.ts';
import type { Requests } from './requests.ts';
import type { Spare } from './spare.ts';

/** How many calls the schedule leaves in the budget, so that a query that arrives is answered at once. */
const RESERVED_CALLS = 1;

const NEVER = Number.POSITIVE_INFINITY;

interface NextCallOptions {
  readonly admission: Admission;
  readonly budget: CallBudget;
  /** Stores the budget for the next process. Never rejects. */
  readonly keepBudget: () => Promise<void>;
  readonly spare: Spare;
  readonly choice: Choice;
  readonly calls: Calls;
  readonly requests: Requests;
  /** `undefined` if the key needs no trial. */
  readonly keyTrial: KeyTrial | undefined;
}

/**
 * Spends the budget: starts the call whose turn it is, or tells how long that has to wait. The trial of the key has the
 * first turn. While queries wait, calls alternate between them and all else, so neither can starve the other: cards
 * that a list left out, and behind them looks, that is calls for the schedule.
 */
export class NextCall {
  readonly #options: NextCallOptions;
  #wasForRequest = false;
  #wasForCard = false;

  constructor(options: NextCallOptions) {
    this.#options = options;
  }

  /** Starts one call; `false` if there is nothing to ask, or no call may start. */
  async start(): Promise<boolean> {
    const { admission, budget, requests } = this.#options;
    if (!admission.isOpen || budget.room < 1) return false;
    if (this.#startTrial()) return true;
    if (!this.#wasForRequest || requests.size === 0) {
      if (await this.#startRequested()) return true;
    }
    if (await this.#startOther()) {
      this.#wasForRequest = false;
      return true;
    }
    return this.#startRequested();
  }

  /** Milliseconds until there is a call that may start; `undefined` if no time that passes brings one. */
  async waitMs(): Promise<number | undefined> {
    const { admission } = this.#options;
    if (admission.isFull) return undefined;
    const workMs = Math.min(this.#requestedInMs(), this.#urgentInMs(), await this.#lookInMs());
    return workMs === NEVER ? undefined : Math.max(workMs, admission.pauseMs, 1);
  }

  /** Starts the trial of the key: first, so that a bad key is tried by this one call. */
  #startTrial(): boolean {
    const { keyTrial, budget, keepBudget, calls } = this.#options;
    const call = keyTrial?.isDue ? budget.startBeside() : undefined;
    if (keyTrial === undefined || call === undefined) return false;
    void keepBudget();
    calls.startTrial(keyTrial, call);
    return true;
  }

  /**
   * A card comes first, but where calls fail by turns with a look: the upstream may fail at the orders of cards alone.
   */
  async #startOther(): Promise<boolean> {
    const isLookFirst = this.#wasForCard && this.#options.choice.isProbe;
    if (isLookFirst && (await this.#startLook())) return true;
    return this.#startCard() || (await this.#startLook());
  }

  /** Starts the check for a card that a list left out. It comes ahead of all that is due. */
  #startCard(): boolean {
    const { admission, choice, spare, budget } = this.#options;
    const job = choice.forCard();
    // Looked at anew, since a choice for queries may have come before, and that takes time.
    if (job === undefined || !admission.isOpen) return false;
    spare.tookCard();
    this.#wasForCard = true;
    return this.#start(job, budget.start({ urgent: true }));
  }

  /** Of the trial and of cards, which are bound by the limit alone, not by the even spread. */
  #urgentInMs(): number {
    const { keyTrial, choice, budget } = this.#options;
    return choice.hasCard() || keyTrial?.isDue ? budget.roomInMs(1) : NEVER;
  }

  async #startRequested(): Promise<boolean> {
    const { admission, choice, budget } = this.#options;
    // Cards take each call as soon as the limit allows one. To alternate with cards, queries must do the same.
    const urgent = choice.hasCard();
    const job = urgent || budget.left > 0 ? await choice.forRequests() : undefined;
    if (job === undefined || !admission.isOpen) return false;
    this.#wasForRequest = true;
    return this.#start(job, budget.start({ urgent }));
  }

  #requestedInMs(): number {
    const { choice, budget } = this.#options;
    return choice.hasRequest() ? budget.waitMs() : NEVER;
  }

  async #startLook(): Promise<boolean> {
    const { admission, choice, spare, budget } = this.#options;
    if (budget.left <= this.#reserved() || spare.waitMs() > 0) return false;
    const job = await choice.forSchedule();
    if (job === undefined || !admission.isOpen) return false;
    spare.tookLook();
    this.#wasForCard = false;
    return this.#start(job, budget.start());
  }

  async #lookInMs(): Promise<number> {
    const { choice, spare, budget } = this.#options;
    const dueInMs = await choice.nextDueInMs();
    return Math.max(dueInMs, budget.waitMs(1 + this.#reserved()), spare.waitMs());
  }

  /** Calls that the schedule leaves for a query yet to come; none while queries wait, since calls then alternate. */
  #reserved(): number {
    const { budget, requests } = this.#options;
    // A token bucket of one call has none to reserve.
    return requests.size > 0 ? 0 : Math.min(RESERVED_CALLS, budget.burst - 1);
  }

  /** Starts the call for a job; `false` without a call from the budget. */
  #start(job: Job, call: StartedCall | undefined): boolean {
    if (call === undefined) return false;
    const { keepBudget, calls } = this.#options;
    // The write starts before the call, so that a call counts even if the process is killed while it is in flight.
    void keepBudget();
    calls.start(job, call);
    return true;
  }
}
