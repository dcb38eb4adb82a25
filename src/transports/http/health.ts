import type { GatewayStatus, GatewayStatusSource } from '../../core/gateway-status.ts';
import { loggedError } from '../../core/logged-error.ts';
import type { Clock, Logger } from '../../core/ports.ts';

interface Readiness {
  /** Whether this gateway should be sent traffic. */
  readonly ready: boolean;
  /** What is wrong, in words. A gateway with problems may still be ready, since it serves cached states. */
  readonly problems: readonly string[];
}

interface HealthOptions {
  readonly status: Pick<GatewayStatusSource, 'gatewayStatus'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Ready means able to serve. An upstream that fails or throttles is only reported, since the log still answers; an
 * upstream that refuses the API key or the address makes the gateway unready, and so does a log that cannot be written:
 * the gateway could say nothing new. One whose file is gone still answers, but a person must see to it.
 */
export class Health {
  readonly #options: HealthOptions;
  /** Since when the snapshot log cannot be read, by `Clock.steady`. */
  #failingSince: number | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  async readiness({ draining }: { readonly draining: boolean }): Promise<Readiness> {
    if (draining) return { ready: false, problems: ['shutting down'] };
    const status = await this.status();
    if (status !== undefined) return assess(status);
    return { ready: false, problems: ['the snapshot log does not answer'] };
  }

  /** `undefined` if the snapshot log cannot be read. Never rejects. */
  async status(): Promise<GatewayStatus | undefined> {
    try {
      const status = await this.#options.status.gatewayStatus();
      this.#tellOfEnd();
      return status;
    } catch (error) {
      this.#tellOfFault(error);
      return undefined;
    }
  }

  /** Told once, since probes and scrapes come every few seconds. */
  #tellOfFault(error: unknown): void {
    const { clock, logger } = this.#options;
    const level = this.#failingSince === undefined ? 'error' : 'debug';
    this.#failingSince ??= clock.steady();
    logger[level](loggedError(error), 'the snapshot log does not answer');
  }

  #tellOfEnd(): void {
    if (this.#failingSince === undefined) return;
    const { clock, logger } = this.#options;
    const afterSeconds = Math.round((clock.steady() - this.#failingSince) / 1_000);
    this.#failingSince = undefined;
    logger.info({ afterSeconds }, 'the snapshot log answers again');
  }
}

function assess({ upstream, canRecord, isLogInPlace }: GatewayStatus): Readiness {
  if (!canRecord) return { ready: false, problems: ['the snapshot log cannot be written'] };
  if (!isLogInPlace) {
    const problem = 'the file of the snapshot log was deleted or replaced; restart the gateway';
    return { ready: false, problems: [problem] };
  }
  const until =
    upstream.resumesAt === null ? '' : ` until ${new Date(upstream.resumesAt).toISOString()}`;
  switch (upstream.state) {
    case 'REFUSED':
      return {
        ready: false,
        problems: [`OneClickDz refuses the API key or this address; no calls${until}`],
      };
    case 'THROTTLED':
      return { ready: true, problems: [`OneClickDz asked for fewer calls; no calls${until}`] };
    case 'FAILING':
      return { ready: true, problems: [`OneClickDz fails; no calls${until}`] };
    default:
      return { ready: true, problems: [] };
  }
}
