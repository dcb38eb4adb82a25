import type { Clock } from '../core/ports.ts';
import type { UpstreamGate } from './gate.ts';
import type { InFlight } from './in-flight.ts';
import type { StoreFaults } from './store-faults.ts';

const NEVER = Number.POSITIVE_INFINITY;

interface AdmissionOptions {
  readonly gate: UpstreamGate;
  readonly storeFaults: StoreFaults;
  readonly inFlight: InFlight;
  readonly clock: Clock;
}

/** Whether one more call may start, whatever it is for: while the upstream answers and the store takes its answers. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.pauseMs === 0 && !this.isFull;
  }

  /** Whether no time that passes, but only the end of a call in flight, lets the next one start. */
  get isFull(): boolean {
    if (this.#gateMs() > 0) return false;
    const { storeFaults, inFlight } = this.#options;
    return this.#placeInMs() === NEVER || !storeFaults.admits(inFlight.size);
  }

  /** Milliseconds for which no call may start at all, unless one in flight ends. */
  get pauseMs(): number {
    const placeInMs = this.#placeInMs();
    const { pauseMs } = this.#options.storeFaults;
    return Math.max(this.#gateMs(), pauseMs, placeInMs === NEVER ? 0 : placeInMs);
  }

  #placeInMs(): number {
    const { gate, inFlight, clock } = this.#options;
    return gate.placeInMs(clock.steady(), inFlight.starts);
  }

  /** What is left of a wait of the gate. */
  #gateMs(): number {
    const { gate, clock } = this.#options;
    const now = clock.steady();
    const state = gate.stateAt(now);
    return 'until' in state ? state.until - now : 0;
  }
}
