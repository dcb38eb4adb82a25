import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksIn, type CodeBlock, markdownFiles, ROOT } from '../support/markdown.ts';

/** The names that a block says are made elsewhere: in an earlier block, or in the reader's own code. */
const ELSEWHERE = `
declare const orderId: string;
declare const ticket: () => Promise<string>;
declare const socket: import('graphql-ws').Client;
`;

const BROWSER = {
  lib: ['esnext', 'dom', 'dom.iterable'],
  types: [],
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  noUnusedLocals: false,
  // With it, the types of graphql-ws and urql do not go together.
  exactOptionalPropertyTypes: false,
  // The package of urql for React, which passes on all of its core.
  paths: { urql: [join(ROOT, 'node_modules/@urql/core')] },
};

const NODE = { noUnusedLocals: false, noPropertyAccessFromIndexSignature: false };

/** What the compiler says against the blocks. Its line numbers are those of the Markdown file. */
function faultsIn(blocks: readonly CodeBlock[], compilerOptions: object): string {
  const results = join(ROOT, 'test-results');
  mkdirSync(results, { recursive: true });
  // Within the project, since packages are looked for from there upwards.
  const folder = mkdtempSync(join(results, 'docs-'));
  try {
    const files = blocks.map(({ path, line, language }) => `${path}/${line}.${language}`);
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [] };
    writeFileSync(join(folder, 'elsewhere.d.ts'), ELSEWHERE);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ ...config, files: ['elsewhere.d.ts', ...files] }),
    );
    for (const [index, { code, line }] of blocks.entries()) {
      const file = join(folder, files[index] ?? '');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, '\n'.repeat(line - 1) + code);
    }
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout, stderr } = spawnSync(process.execPath, [tsc], {
      cwd: folder,
      encoding: 'utf8',
    });
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a block of code in the documentation', () => {
  it('agrees with the types of the packages, where a browser is to run it', () => {
    expect(faultsIn(blocksIn('ts', 'tsx'), BROWSER)).toBe('');
  });

  it('agrees with the types of the packages, where Node.js is to run it', () => {
    expect(faultsIn(blocksIn('js'), NODE)).toBe('');
  });

  it('is in a language that is checked here or beside, but for these', () => {
    const checked = ['ts', 'tsx', 'js', 'graphql', 'sh'];
    const others = markdownFiles()
      .flatMap(({ blocks }) => blocks)
      .filter(({ language }) => !checked.includes(language));
    expect(others.map(({ path, language }) => `${path}: ${language}`)).toEqual([
      'docs/deploy.md: ini',
      'docs/deploy.md: ini',
      'docs/deploy.md: caddyfile',
      'docs/deploy.md: nginx',
      'docs/deploy.md: yaml',
      'docs/deploy.md: yaml',
      'docs/tickets.md: php',
      'docs/tickets.md: python',
    ]);
  });
});
