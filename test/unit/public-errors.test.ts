import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { toPublicError } from '../../src/graphql/errors.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const SECRET = 'SELECT card_code FROM snapshots';

/** As the engine wraps what a resolver throws. */
const located = (originalError: Error) =>
  new GraphQLError(originalError.message, { originalError, path: ['topup'] });

function tell(error: unknown) {
  const logger = recordingLogger();
  return { told: toPublicError(error, logger).toJSON(), lines: logger.lines, logger };
}

describe('what a client is told of an error', () => {
  it.each<[how: string, error: unknown, logged: string]>([
    ['as it was thrown', new TypeError(SECRET), 'TypeError'],
    ['of a resolver', located(new TypeError(SECRET)), 'TypeError'],
    ['wrapped twice', located(located(new TypeError(SECRET))), 'TypeError'],
    ['that is none', SECRET, 'string'],
  ])('is nothing of one from inside, %s; the log names it', (_, error, logged) => {
    const { told, lines } = tell(error);
    expect(told).toEqual({
      message: 'Internal server error.',
      ...(error instanceof GraphQLError ? { path: ['topup'] } : {}),
      extensions: { code: 'INTERNAL_SERVER_ERROR', http: { status: 500 } },
    });
    expect(lines).toMatchObject([{ level: 'error', fields: { error: logged } }]);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  it('is nothing of the cause of one of ours, which the log names', () => {
    const cause = Object.assign(new Error(SECRET), { code: 'SQLITE_FULL' });
    const error = new GatewayError('INTERNAL_SERVER_ERROR', SECRET, { cause });
    const { told, lines } = tell(located(error));
    expect(told.message).toBe('Internal server error.');
    expect(lines).toMatchObject([{ fields: { code: 'SQLITE_FULL' } }]);
  });

  it('is the code, the message and when to try again, of one of ours', () => {
    const error = new GatewayError('UPSTREAM_THROTTLED', 'Busy.', {
      retryAfterMs: 1_001,
      cause: new Error(SECRET),
    });
    for (const thrown of [error, located(error)]) {
      const { told, lines } = tell(thrown);
      expect(told).toMatchObject({ message: 'Busy.' });
      expect(told.extensions).toEqual({ code: 'UPSTREAM_THROTTLED', retryAfterSeconds: 2 });
      expect(lines).toEqual([]);
    }
    const extensions = { http: { status: 413 }, hint: SECRET };
    const { told } = tell(new GraphQLError('', { originalError: error, extensions }));
    expect(told.extensions).toEqual({
      code: 'UPSTREAM_THROTTLED',
      retryAfterSeconds: 2,
      http: extensions.http,
    });
  });

  it('is why it failed inside, where clients may know; the log tells the operator, who must see to it', () => {
    const error = new GatewayError('INTERNAL_SERVER_ERROR', 'No key.', { isForClients: true });
    const { told, lines } = tell(located(error));
    expect(told).toMatchObject({
      message: 'No key.',
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
    expect(lines).toMatchObject([{ level: 'error', message: 'No key.' }]);
  });

  it('never has a client ask again at once', () => {
    const { told } = tell(new GatewayError('UPSTREAM_THROTTLED', 'Busy.', { retryAfterMs: 0 }));
    expect(told.extensions).toMatchObject({ retryAfterSeconds: 1 });
  });

  it('is that a ticket is needed, which HTTP has a status for', () => {
    const { told } = tell(new GatewayError('UNAUTHENTICATED', 'No ticket.'));
    expect(told.extensions).toEqual({
      code: 'UNAUTHENTICATED',
      http: { status: 401, headers: { 'www-authenticate': 'Bearer realm="topup-gateway"' } },
    });
  });

  it('is all of a fault in the request', () => {
    const http = { status: 405 };
    const inner = new GraphQLError('of the value', { extensions: { http, hint: SECRET } });
    const { told, lines } = tell(new GraphQLError('of $id', { originalError: inner }));
    expect(told.message).toBe('of $id');
    expect(told.extensions).toEqual({ code: 'BAD_USER_INPUT', http });
    expect(lines).toEqual([]);
  });

  it('stays the same, and is logged once, though more than one layer decides it', () => {
    const { told, lines, logger } = tell(new Error(SECRET));
    const first = toPublicError(new Error(SECRET), logger);
    expect(toPublicError(first, logger)).toBe(first);
    expect(toPublicError(located(first), logger)).toBe(first);
    expect(first.toJSON()).toEqual(told);
    expect(lines).toHaveLength(2);
  });
});
