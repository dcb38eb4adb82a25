import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** The file, as seen from the root of the project. */
  readonly path: string;
  /** The number of the first line of code in that file. */
  readonly line: number;
}

export interface MarkdownFile {
  readonly path: string;
  readonly blocks: readonly CodeBlock[];
  /** All but the fenced blocks. */
  readonly prose: string;
  /** What stands between backticks in the prose. */
  readonly inlineCode: readonly string[];
}

/** All Markdown of the project. */
export function markdownFiles(): readonly MarkdownFile[] {
  const paths = globSync(['*.md', 'docs/**/*.md', 'bench/results/*.md'], { cwd: ROOT });
  return paths.toSorted().map((path) => readMarkdown(path.replaceAll(sep, '/')));
}

export function blocksIn(...languages: readonly string[]): readonly CodeBlock[] {
  return markdownFiles()
    .flatMap(({ blocks }) => blocks)
    .filter(({ language }) => languages.includes(language));
}

function readMarkdown(path: string): MarkdownFile {
  // Every other part is the inside of a block, after the fence and its language.
  const parts = readFileSync(join(ROOT, path), 'utf8').split(/^ *(?:```|~~~)/m);
  if (parts.length % 2 === 0) throw new Error(`${path}: a block of code has no end`);
  let line = 1;
  const blocks: CodeBlock[] = [];
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 1) {
      const [language = '', ...lines] = part.split('\n');
      blocks.push({ language, code: lines.join('\n'), path, line: line + 1 });
    }
    line += part.split('\n').length - 1;
  }
  const prose = parts.filter((_, index) => index % 2 === 0).join('');
  const inlineCode = Array.from(prose.matchAll(/`([^`\n]+)`/g), ([, code = '']) => code);
  return { path, blocks, prose, inlineCode };
}
