import type { Clock, Timer } from '../../core/ports.ts';

interface PulseOptions {
  readonly clock: Clock;
  /** How often a client is asked for a sign of life. */
  readonly intervalMs: number;
  /** How long it may take to give that sign; an interval if not set. */
  readonly patienceMs?: number;
  /** All clients that are to be asked. */
  readonly patients: Iterable<Patient>;
}

/** A client that is asked for signs of life. */
export interface Patient {
  /** When the client is to be asked next, by `Clock.steady`. */
  askAt: number;
  /** Asks the client, or only shows it that the gateway is there if it has no way to answer. */
  ask(now: number): void;
  /** When the client was asked, by `Clock.steady`; `undefined` once it has answered, or if it has no way to. */
  readonly askedAt?: number | undefined;
  /** Called if the client was asked and does not answer. */
  cutOff?(): void;
}

/** How many times in an interval the clients are looked at: a client is asked at most one such pause late. */
const LOOKS_PER_INTERVAL = 8;

/** Asks all clients for signs of life, with one timer, and cuts off those that could answer and do not. */
export class Pulse {
  readonly #options: PulseOptions;
  #timer: Timer | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** To be called for each new client, which is first asked one interval from now. */
  welcome(patient: Patient): void {
    const { clock, intervalMs } = this.#options;
    patient.askAt = clock.steady() + intervalMs;
    this.#timer ??= this.#lookLater();
  }

  #lookLater(): Timer {
    const { clock, intervalMs } = this.#options;
    return clock.after(intervalMs / LOOKS_PER_INTERVAL, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, intervalMs, patienceMs = intervalMs, patients } = this.#options;
    const now = clock.steady();
    for (const patient of patients) {
      this.#timer ??= this.#lookLater();
      const { askAt, askedAt } = patient;
      if (askedAt !== undefined && now - askedAt >= patienceMs) patient.cutOff?.();
      else if (now >= askAt) {
        patient.askAt = now + intervalMs;
        patient.ask(now);
      }
    }
  }
}
