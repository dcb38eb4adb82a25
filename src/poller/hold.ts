import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Notebook } from '../core/store.ts';
import type { GateState } from './gate.ts';
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
  readonly #key: string;

  constructor(notebook: Notebook, apiKey: string) {
    this.#notebook = notebook;
    // Identifies the key without storing it.
    this.#key = createHash('sha256').update(`hold:${apiKey}`).digest('hex').slice(0, 16);
  }

  async keep(state: GateState): Promise<void> {
    const imposed = state.name === 'throttled' || state.name === 'refused';
    const hold = imposed ? { name: state.name, until: state.until, key: this.#key } : null;
    await this.#notebook.note(NOTE, JSON.stringify(hold));
  }

  /** This key's wait if it is still running at `now`, otherwise `undefined`. */
  async recall(now: number): Promise<GateState | undefined> {
    const hold = parseNote(await this.#notebook.recall(NOTE), holdSchema);
    if (hold === undefined || hold.key !== this.#key || hold.until <= now) return undefined;
    return { name: hold.name, until: hold.until };
  }
}
