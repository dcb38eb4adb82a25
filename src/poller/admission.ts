import type { Clock } from '../core/ports.ts';
import type { UpstreamGate } from './gate.ts';
import type { InFlight } from './in-flight.ts';
import type { StoreFaults } from './store-faults.ts';

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
    return this.#options.storeFaults.pauseMs === 0 && this.#hasPlace();
  }

  /** Whether no time that passes, but only the end of a call in flight, lets the next one start. */
  get isFull(): boolean {
    return this.#gateMs() <= 0 && !this.#hasPlace();
  }

  /** Milliseconds for which no call may start at all. */
  get pauseMs(): number {
    return Math.max(this.#gateMs(), this.#options.storeFaults.pauseMs);
  }

  /** Whether one more call may be in flight. */
  #hasPlace(): boolean {
    const { gate, storeFaults, inFlight, clock } = this.#options;
    return gate.admits(clock.steady(), inFlight.size) && storeFaults.admits(inFlight.size);
  }

  /** What is left of a wait of the gate. */
  #gateMs(): number {
    const { gate, clock } = this.#options;
    const now = clock.steady();
    const state = gate.stateAt(now);
    return 'until' in state ? state.until - now : 0;
  }
}
