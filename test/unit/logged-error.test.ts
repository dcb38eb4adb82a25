import { describe, expect, it } from 'vitest';
import { loggedError } from '../../src/core/logged-error.ts';

const SECRET = '123456789012';

describe('an error in a log line', () => {
  it('has the name of its class and where it was thrown, and nothing of its message', () => {
    const logged = loggedError(new RangeError(`the card is ${SECRET}\n    at ${SECRET}`));
    expect(logged.error).toBe('RangeError');
    expect(logged.at).toMatch(/^at .*logged-error\.test\.ts:\d+/);
    expect(JSON.stringify(logged)).not.toContain(SECRET);
  });

  it('has its code, or that of what caused it', () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(loggedError(cause).code).toBe('ECONNREFUSED');
    const wrapped = new TypeError('fetch failed', { cause: new Error('connecting', { cause }) });
    expect(loggedError(wrapped)).toMatchObject({ error: 'TypeError', code: 'ECONNREFUSED' });
  });

  it.each([SECRET, 'see card 1', 42, '', 'A'.repeat(65)])(
    'has no code that is no word: %j',
    (code) => {
      expect(loggedError(Object.assign(new Error(), { code })).code).toBeUndefined();
    },
  );

  it.each([SECRET, null, undefined, { secret: SECRET }])('may be none at all: %j', (thrown) => {
    expect(loggedError(thrown)).toEqual({ error: typeof thrown, code: undefined, at: undefined });
  });
});
