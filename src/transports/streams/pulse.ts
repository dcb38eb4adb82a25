import type { Clock, Timer } from '../../core/ports.ts';

export interface PulseOptions {
  readonly clock: Clock;
  /** How often a client is asked for a sign of life, and how long it may take to give one. */
  readonly intervalMs: number;
  /** All that are to be asked. */
  readonly patients: Iterable<Patient>;
}

/** Whoever is asked. */
export interface Patient {
  /** When it is to be asked next. */
  askAt: number;
  /** When it was last asked, while it has not answered; always `undefined` of one that has no way to answer. */
  readonly askedAt: number | undefined;
  /** Asks it, or only shows it that we are there, where it has no way to answer. */
  ask(now: number): void;
  cutOff(): void;
}

/** Each is asked when it is due, to so much of an interval. */
const LOOKS_PER_INTERVAL = 8;

/** Asks all clients for signs of life, by one timer, and cuts off those that could give one and do not. */
export class Pulse {
  readonly #options: PulseOptions;
  #timer: Timer | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Another one has come, and is asked an interval from now. */
  welcome(patient: Patient): void {
    const { clock, intervalMs } = this.#options;
    patient.askAt = clock.now() + intervalMs;
    this.#timer ??= this.#lookLater();
  }

  #lookLater(): Timer {
    const { clock, intervalMs } = this.#options;
    return clock.after(intervalMs / LOOKS_PER_INTERVAL, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, intervalMs, patients } = this.#options;
    const now = clock.now();
    for (const patient of patients) {
      this.#timer ??= this.#lookLater();
      const { askAt, askedAt } = patient;
      if (askedAt !== undefined && now - askedAt >= intervalMs) patient.cutOff();
      else if (now >= askAt) {
        patient.askAt = now + intervalMs;
        patient.ask(now);
      }
    }
  }
}
