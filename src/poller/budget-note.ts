import type { Notebook } from '../core/store.ts';
import type { CallBudget } from './budget.ts';
import type { StoreFaults } from './store-faults.ts';

export interface BudgetNoteOptions {
  readonly budget: CallBudget;
  readonly notebook: Notebook;
  readonly storeFaults: StoreFaults;
}

/** Writes the budget down for the process that takes over. */
export class BudgetNote {
  readonly #options: BudgetNoteOptions;

  constructor(options: BudgetNoteOptions) {
    this.#options = options;
  }

  /** To be called after a call is taken out of the budget and before it starts. Never rejects. */
  async keep(): Promise<void> {
    const { budget, notebook, storeFaults } = this.#options;
    await budget.keep(notebook).catch((error: unknown) => storeFaults.met(error));
  }
}
