import type { GatewayStatus, GatewayStatusSource } from '../../core/gateway-status.ts';

export interface Readiness {
  /** Whether this gateway should be sent traffic. */
  readonly ready: boolean;
  /** What is wrong, in words. A gateway with problems may still be ready, since it serves cached states. */
  readonly problems: readonly string[];
}

/**
 * Ready means able to serve. An upstream that fails or throttles is only reported, since the log still answers; an
 * upstream that refuses the API key or the address makes the gateway unready.
 */
export async function readiness(
  source: GatewayStatusSource,
  draining: boolean,
): Promise<Readiness> {
  if (draining) return { ready: false, problems: ['shutting down'] };
  try {
    return assess(await source.gatewayStatus());
  } catch {
    return { ready: false, problems: ['the snapshot log does not answer'] };
  }
}

function assess({ upstream }: GatewayStatus): Readiness {
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
