import { createHash } from 'node:crypto';
import * as z from 'zod';
import { loggedError } from '../core/logged-error.ts';
import { type Clock, type Logger, unixTimeOf } from '../core/ports.ts';
import type { Notebook } from '../core/store.ts';
import type { GateState } from './gate.ts';
import { parseNote } from './parse-note.ts';

const NOTE = 'upstream-hold';

const holdSchema = z.object({
  name: z.enum(['throttled', 'refused']),
  until: z.number(),
  /** How long the wait was when it was noted. Earlier versions did not note it, but none is longer than an hour. */
  lengthMs: z.number().default(3_600_000),
  key: z.string(),
});

/** The latest first. Earlier versions noted the wait of one key alone. */
const noteSchema = z.union([z.array(holdSchema), holdSchema.transform((only) => [only])]);

type Note = z.infer<typeof holdSchema>;

/** More than the five bad tries after which OneClickDz blocks the address. */
const MOST_KEYS = 8;

type Imposed = Extract<GateState, { name: 'throttled' | 'refused' }>;

/**
 * Stores a wait that the upstream imposed, so that it outlasts restarts: a gateway with a bad key that restarts again
 * and again must not make the five calls that get its address blocked. A wait applies only to the key that earned it,
 * and outlasts other keys that are tried in the meantime.
 */
export class Hold {
  readonly #notebook: Notebook;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #key: string;
  #ofOtherKeys: readonly Note[] = [];

  constructor(options: {
    readonly notebook: Notebook;
    readonly apiKey: string;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#notebook = options.notebook;
    this.#clock = options.clock;
    this.#logger = options.logger;
    // Identifies the key without storing it.
    this.#key = createHash('sha256').update(`hold:${options.apiKey}`).digest('hex').slice(0, 16);
  }

  /** To be called with each state that the gate changes to. Never rejects. */
  async keep(state: GateState): Promise<void> {
    const own = state.name === 'throttled' || state.name === 'refused' ? [this.#noteOf(state)] : [];
    const others = this.#ofOtherKeys.filter(({ until }) => until > this.#clock.now());
    const holds = [...own, ...others].slice(0, MOST_KEYS);
    await this.#notebook.note(NOTE, JSON.stringify(holds)).catch((error: unknown) => {
      this.#logger.error(loggedError(error), 'could not note that the upstream told us to wait');
    });
  }

  /** The wait that was noted last for this key, which may be over by now. To be called before `keep`. */
  async recall(): Promise<GateState | undefined> {
    const holds = parseNote(await this.#notebook.recall(NOTE), noteSchema) ?? [];
    this.#ofOtherKeys = holds.filter(({ key }) => key !== this.#key);
    const hold = holds.find(({ key }) => key === this.#key);
    if (hold === undefined) return undefined;
    const leftMs = hold.until - this.#clock.now();
    // More is left than there ever was if the system's clock was set back in the meantime.
    const waitMs = Math.min(leftMs, hold.lengthMs);
    return { name: hold.name, until: this.#clock.steady() + waitMs };
  }

  #noteOf({ name, until }: Imposed): Note {
    const clock = this.#clock;
    const lengthMs = until - clock.steady();
    return { name, until: unixTimeOf(until, clock), lengthMs, key: this.#key };
  }
}
