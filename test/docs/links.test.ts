import { existsSync, globSync } from 'node:fs';
import { dirname, posix, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type MarkdownFile, markdownFiles, ROOT } from '../support/markdown.ts';

const files = markdownFiles();

/** The anchors that GitHub gives to the headings of a file. */
function anchorsOf({ prose }: MarkdownFile): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose.matchAll(/^#+ +(.+)$/gm)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
    const anchor = shown
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let free = anchor;
    for (let times = 1; anchors.has(free); times += 1) free = `${anchor}-${times}`;
    anchors.add(free);
  }
  return anchors;
}

/** The targets of links and images that are not addresses elsewhere. */
function targetsIn({ prose }: MarkdownFile): readonly string[] {
  const text = prose.replaceAll(/`[^`\n]*`/g, '');
  const targets = Array.from(
    text.matchAll(/\]\(\s*([^)\s]+)[^)]*\)/g),
    ([, target = '']) => target,
  );
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

function leads(from: MarkdownFile, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const to = path === '' ? from.path : posix.join(dirname(from.path), path);
  if (anchor === undefined) return existsSync(posix.join(ROOT, to));
  const file = files.find((each) => each.path === to);
  return file !== undefined && anchorsOf(file).has(anchor);
}

describe('the documentation', () => {
  it('has links that lead to a file, and to a heading of it', () => {
    const links = files.flatMap((file) => targetsIn(file).map((target) => ({ file, target })));
    const broken = links.filter(({ file, target }) => !leads(file, target));
    expect(links.length).toBeGreaterThan(50);
    expect(broken.map(({ file, target }) => `${file.path}: ${target}`)).toEqual([]);
  });

  it('names files and folders that exist', () => {
    const tops = ['src', 'test', 'docs', 'bench', 'schema', 'drizzle', 'scripts'];
    const there = globSync(['*', ...tops.map((top) => `${top}/**`)], {
      cwd: ROOT,
      exclude: ['**/node_modules'],
    }).map((path) => `/${path.replaceAll(sep, '/')}`);
    const isPath = new RegExp(
      String.raw`^(${tops.join('|')})/|^[\w/-]+(\.\w+)*\.(ts|js|json|md|graphql)$`,
    );
    const named = files.flatMap(({ path, inlineCode }) =>
      inlineCode.filter((code) => isPath.test(code)).map((code) => ({ path, code })),
    );
    const gone = named.filter(({ code }) => {
      const end = `/${code.replace(/\/\*?$/, '')}`;
      return !there.some((each) => each.endsWith(end));
    });
    expect(named.length).toBeGreaterThan(50);
    expect(gone.map(({ path, code }) => `${path}: ${code}`)).toEqual([]);
  });
});
