import type { GatewayStatus, GatewayStatusSource } from '../../core/gateway-status.ts';
import { loggedError } from '../../core/logged-error.ts';
import type { Logger } from '../../core/ports.ts';

export interface Readiness {
  /** Whether this gateway should be sent traffic. */
  readonly ready: boolean;
  /** What is wrong, in words. A gateway with problems may still be ready, since it serves cached states. */
  readonly problems: readonly string[];
}

/**
 * Ready means able to serve. An upstream that fails or throttles is only reported, since the log still answers; an
 * upstream that refuses the API key or the address makes the gateway unready, and so does a log that cannot be written:
 * the gateway could say nothing new.
 */
export async function readiness(
  source: GatewayStatusSource,
  { draining, logger }: { readonly draining: boolean; readonly logger: Logger },
): Promise<Readiness> {
  if (draining) return { ready: false, problems: ['shutting down'] };
  try {
    return assess(await source.gatewayStatus());
  } catch (error) {
    logger.error(loggedError(error), 'not ready: the snapshot log does not answer');
    return { ready: false, problems: ['the snapshot log does not answer'] };
  }
}

function assess({ upstream, canRecord }: GatewayStatus): Readiness {
  if (!canRecord) return { ready: false, problems: ['the snapshot log cannot be written'] };
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
