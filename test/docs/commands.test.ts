import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig, VARIABLES } from '../../src/config.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { SIMULATOR_VARIABLES } from '../../src/simulator/config.ts';
import { blocksIn, markdownFiles, ROOT } from '../support/markdown.ts';

const files = markdownFiles();
const inline = files.flatMap(({ path, inlineCode }) => inlineCode.map((code) => ({ path, code })));
const commands = [...blocksIn('sh', 'ini'), ...inline];

const OURS = [...VARIABLES, ...SIMULATOR_VARIABLES, ...ERROR_CODES];
/** Of the tests, of Node.js and of OneClickDz; and an example of a slip that the log warns of. */
const OTHERS = [
  'CHROMIUM_PATH',
  'NODE_OPTIONS',
  'NODE_USE_ENV_PROXY',
  'HTTPS_PROXY',
  'ALLOWED_ORIGIN',
  'IP_NOT_ALLOWED',
];

/** Names of at least two words in capitals, and all that are given a value, unless for the shell's own use. */
function namesIn(code: string): readonly string[] {
  const words = code.match(/(?<![\w$])[A-Z][A-Z\d]*(?:_[A-Z\d]+)+(?!\w)/g) ?? [];
  const given = code.match(/(?<![\w$])[A-Z][A-Z\d_]*(?==)/g) ?? [];
  return [...words, ...given.filter((name) => !code.includes(`$${name}`))];
}

/** The defaults that tables give as a number (`5,000`) or as code (`` `info` ``), by the name of the variable. */
function defaultsInTables(): readonly (readonly [name: string, value: string])[] {
  const rows = files.flatMap(({ prose }) => prose.match(/^\| `[A-Z].*$/gm) ?? []);
  return rows.flatMap((row) => {
    const [, names = '', values = ''] = row.split('|').map((cell) => cell.trim());
    if (!/^(\d[\d,]*|`[^`]+`(, `[^`]+`)*)$/.test(values)) return [];
    const literals = values.includes('`') ? values.split(', ') : [values.replaceAll(',', '')];
    return names.split(', ').map((name, at) => [bare(name), bare(literals[at] ?? '')] as const);
  });
}

function bare(code: string): string {
  return code.replaceAll('`', '');
}

describe('the documentation', () => {
  it('runs scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const run = commands.flatMap(({ path, code }) =>
      Array.from(
        code.matchAll(/\bnpm (?:run (?:-\w+ )*([\w:]+)|(start|test))/g),
        ([, name = '', short]) => ({ path, name: short ?? name }),
      ),
    );
    expect(run.length).toBeGreaterThan(20);
    expect(run.filter(({ name }) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('names variables of the environment and error codes that exist', () => {
    const named = [...commands, ...blocksIn('js', 'php', 'python')].flatMap(({ path, code }) =>
      namesIn(code).map((name) => ({ path, name })),
    );
    const known = new Set([...OURS, ...OTHERS]);
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ name }) => !known.has(name))).toEqual([]);
  });

  it('tells of all of them where a reader looks for it', () => {
    const pages = files.filter(({ path }) =>
      ['README.md', 'docs/limits.md', 'docs/simulator.md'].includes(path),
    );
    const told = new Set(pages.flatMap(({ inlineCode }) => inlineCode));
    expect(OURS.filter((name) => !told.has(name))).toEqual([]);
  });

  it('tells the defaults that variables have', () => {
    const { isLimitAssumed: _, ...byDefault } = parseConfig({});
    const defaults = defaultsInTables().filter(([name]) => VARIABLES.includes(name));
    for (const [name, value] of defaults) {
      expect(parseConfig({ [name]: value }), name).toMatchObject(byDefault);
    }
    const told = new Set(defaults.map(([name]) => name));
    // These have none, or one that takes words to say.
    expect(VARIABLES.filter((name) => !told.has(name))).toMatchInlineSnapshot(`
      [
        "ONECLICKDZ_API_KEY",
        "ALLOWED_ORIGINS",
        "UNCACHED_LOOKUPS_PER_MINUTE",
        "TRUST_PROXY",
        "TRUSTED_DOCUMENTS",
        "CARD_CODE_KEYS",
        "AUTH",
        "AUTH_JWT_SECRET",
        "AUTH_JWKS_URL",
        "AUTH_ISSUER",
        "AUTH_AUDIENCE",
      ]
    `);
  });
});
