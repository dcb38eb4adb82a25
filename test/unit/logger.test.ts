import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';

const LOGGER = new URL('../../src/telemetry/logger.ts', import.meta.url).href;

const logsTwice = (readable: boolean) => `
  const { createLogger } = await import('${LOGGER}');
  const logger = await createLogger({ level: 'info', readable: ${readable} });
  logger.info({}, 'one');
  logger.info({}, 'two');
  setImmediate(() => process.stderr.write('goes on'));
`;

/** A device that is always full. */
const FULL = '/dev/full';

it.skipIf(!existsSync(FULL)).each([false, true])(
  'a log that cannot be written ends nothing (readable: %s)',
  (readable) => {
    const full = openSync(FULL, 'w');
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', logsTwice(readable)],
      { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' },
    );
    closeSync(full);
    expect([status, stderr]).toEqual([0, 'goes on']);
  },
);
