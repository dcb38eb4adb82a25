import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Clock, unixTimeOf } from '../core/ports.ts';
import type { Notebook } from '../core/store.ts';
import { type GateState, LONGEST_HOLD_MS } from './gate.ts';
import { parseNote } from './parse-note.ts';

const NOTE = 'upstream-hold';

const holdSchema = z.object({
  name: z.enum(['throttled', 'refused']),
  until: z.number(),
  key: z.string(),
});

/**
 * Stores a wait that the upstream imposed, so that it outlasts restarts: a gateway with a bad key that restarts again
 * and again must not make the five calls that get its address blocked. A wait applies only to the key that earned it.
 */
export class Hold {
  readonly #notebook: Notebook;
  readonly #clock: Clock;
  readonly #key: string;

  constructor(options: {
    readonly store: Notebook;
    readonly clock: Clock;
    readonly apiKey: string;
  }) {
    this.#notebook = options.store;
    this.#clock = options.clock;
    // Identifies the key without storing it.
    this.#key = createHash('sha256').update(`hold:${options.apiKey}`).digest('hex').slice(0, 16);
  }

  async keep(state: GateState): Promise<void> {
    const imposed = state.name === 'throttled' || state.name === 'refused';
    const hold = imposed
      ? { name: state.name, until: unixTimeOf(state.until, this.#clock), key: this.#key }
      : null;
    await this.#notebook.note(NOTE, JSON.stringify(hold));
  }

  /** This key's wait if it is still running, otherwise `undefined`. */
  async recall(): Promise<GateState | undefined> {
    const hold = parseNote(await this.#notebook.recall(NOTE), holdSchema);
    if (hold === undefined || hold.key !== this.#key) return undefined;
    const leftMs = hold.until - this.#clock.now();
    if (leftMs <= 0) return undefined;
    // More is left than there ever was if the system's clock was set back in the meantime.
    const waitMs = Math.min(leftMs, LONGEST_HOLD_MS[hold.name]);
    return { name: hold.name, until: this.#clock.steady() + waitMs };
  }
}
