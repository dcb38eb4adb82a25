import type { Access } from '../core/access.ts';
import { GatewayError } from '../errors.ts';

/** Why a field is refused: there is no ticket, or its scope does not allow the field. */
export function refusal(access: Access, field: string): GatewayError {
  return access.isAnonymous
    ? new GatewayError(
        'UNAUTHENTICATED',
        'A ticket is needed: `Authorization: Bearer …`, or `authorization` in the connection parameters of a WebSocket.',
      )
    : new GatewayError(
        'FORBIDDEN',
        `The ticket does not allow \`${field}\`: its scope is narrower.`,
      );
}

/** The error for a ticket that expired during a subscription. */
export function ticketExpired(): GatewayError {
  return new GatewayError('UNAUTHENTICATED', 'The ticket has expired: come back with a new one.');
}
