import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const at = (path: string) => new URL(`../../src/${path}`, import.meta.url).href;

/** The arguments for a process that makes a logger and then does something with it. */
function loggerThat(does: string, readable: boolean): string[] {
  const script = `
    const { createLogger } = await import('${at('telemetry/logger.ts')}');
    const { systemClock: clock } = await import('${at('core/ports.ts')}');
    const logger = await createLogger({ level: 'info', readable: ${readable}, clock });
    ${does}
  `;
  return ['--input-type=module', '--eval', script];
}

const LINES = 3_000;

const LOGS_TWICE = `
  logger.info({}, 'one');
  setImmediate(() => {
    logger.info({}, 'two');
    setImmediate(() => process.stderr.write('goes on'));
  });
`;

/** To touch `process.stdout`, as the gateway does, makes a pipe one that does not wait for its reader. */
const LOGS_A_LOT = `
  process.stdout;
  for (let nth = 1; nth <= ${LINES}; nth += 1) logger.info({}, 'line ' + nth);
  process.stderr.write('goes on');
  process.stdin.resume();
`;

/** A device that is always full. */
const FULL = '/dev/full';

it.skipIf(!existsSync(FULL)).each([false, true])(
  'a log that cannot be written ends nothing (readable: %s)',
  (readable) => {
    const full = openSync(FULL, 'w');
    const { status, stderr } = spawnSync(process.execPath, loggerThat(LOGS_TWICE, readable), {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect([status, stderr]).toEqual([0, 'goes on']);
  },
);

it.each([false, true])(
  'a log whose reader stops holds nothing up, and is read from where it was later (readable: %s)',
  async (readable) => {
    const child = spawn(process.execPath, loggerThat(LOGS_A_LOT, readable));
    await once(child.stderr, 'data');
    let read = '';
    for await (const piece of child.stdout.setEncoding('utf8')) {
      read += piece;
      if (read.includes(`line ${LINES}`)) child.stdin.end();
    }
    const lines = [...read.matchAll(/line (\d+)/g)].map(([, nth]) => Number(nth));
    expect(lines).toEqual(Array.from({ length: LINES }, (_, at) => at + 1));
  },
);

it('writes readable lines before the process ends', async () => {
  const does = "logger.info({ order: 'x' }, 'one'); logger.error({}, 'two'); process.exit(78);";
  const child = spawn(process.execPath, loggerThat(does, true));
  expect(await text(child.stdout)).toMatch(/^\[.+\] INFO: one {"order":"x"}\n\[.+\] ERROR: two\n$/);
});
