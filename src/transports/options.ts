import type { Tickets } from '../auth/tickets.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { GraphQLParts } from '../graphql/context.ts';
import type { OnPlanGivenUp } from '../graphql/execution/engine.ts';
import type { Renderings } from '../graphql/execution/renderings.ts';
import type { Guard } from '../limits/guard.ts';

/** The options that all GraphQL transports share. */
export interface TransportOptions {
  readonly parts: GraphQLParts;
  readonly tickets: Tickets;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly allowedOrigins: readonly string[];
  readonly guard: Guard;
  /** Shared with all other transports. */
  readonly renderings: Renderings;
  /** Called for each query that was executed, over any transport. */
  readonly onQuery: (durationMs: number) => void;
  readonly onPlanGivenUp: OnPlanGivenUp;
}
