import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { installElsewhere } from '../support/installation.ts';

const IN_MEMORY = { DATABASE_URL: 'file::memory:' };

/** Starts it, asks it something, ends it; answers with what it wrote. */
async function start(root: string): Promise<readonly string[]> {
  await using gateway = await startGatewayProcess(IN_MEMORY, root);
  const answer = await fetch(`${gateway.url}?query={__typename}`);
  expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
  expect(await gateway.end('SIGTERM')).toBe(0);
  return gateway.lines;
}

it('makes one file at the first start, and what it is compiled to, and runs it at the next, until a source changes', {
  timeout: 120_000,
}, async () => {
  await using installation = installElsewhere();
  const { root, bundles } = installation;
  await start(root);
  const [name = '', ...others] = readdirSync(bundles).toSorted();
  expect(name).toMatch(/^[0-9a-f]{64}\.cjs$/);
  expect(others).toEqual([`${name}.code`, `${name}.map`]);

  // It is this file that runs, and it is not made again.
  const path = join(bundles, name);
  writeFileSync(path, readFileSync(path, 'utf8').replace('Topup Gateway is up', 'This is up'));
  const { mtimeMs } = statSync(path);
  expect(await start(root)).toContainEqual(expect.stringContaining('This is up'));
  expect(statSync(path).mtimeMs).toBe(mtimeMs);

  const source = join(root, 'src/run.ts');
  writeFileSync(source, readFileSync(source, 'utf8').replace('Topup Gateway is up', 'That is up'));
  expect(await start(root)).toContainEqual(expect.stringContaining('That is up'));
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(bundles)).toHaveLength(3);
});

it('starts from its sources, without a word, where nothing can be written', async () => {
  await using installation = installElsewhere();
  const { root } = installation;
  // Nobody can make a folder below a file: not root either, as whom tests may run.
  writeFileSync(join(root, 'node_modules/.cache'), '');
  const lines = await start(root);
  expect(lines.filter((line) => !line.startsWith('{'))).toEqual([]);
});

it('starts from its sources where it cannot be bundled', async () => {
  await using installation = installElsewhere();
  const { root, bundles } = installation;
  writeFileSync(join(root, 'src/bundle/build.ts'), 'process.exitCode = 1;');
  await start(root);
  expect(readdirSync(bundles)).toEqual([]);
});
