import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compile, compiledPath, runBundle } from '../../src/bundle/compiled.ts';

const SOURCE = Buffer.from(
  "'use strict';exports.main = function main() { return new Error('here'); };\n",
);

let folder: string;
let bundle: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'topup-gateway-compiled-'));
  bundle = join(folder, 'bundle.cjs');
  const { entry, compiled } = compile(bundle, SOURCE);
  entry.main();
  writeFileSync(bundle, SOURCE);
  writeFileSync(compiledPath(bundle), compiled());
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a bundle with its compiled functions', () => {
  it('runs on them', () => {
    expect(runBundle(bundle)).toEqual({ entry: { main: expect.any(Function) }, wasCompiled: true });
  });

  it('names its places as the file has them', () => {
    const { stack } = Object(runBundle(bundle).entry.main());
    expect(stack).toContain(`at Object.main (${bundle}:1:${SOURCE.indexOf('new Error') + 1})`);
  });
});

describe('runs all the same', () => {
  it('without any', () => {
    rmSync(compiledPath(bundle));
    expect(runBundle(bundle)).toEqual({
      entry: { main: expect.any(Function) },
      wasCompiled: false,
    });
  });

  it.each([0, 4, 100, 500])('with a byte of them changed, at %i', (place) => {
    const content = readFileSync(compiledPath(bundle));
    content.writeUInt8(content.readUInt8(place) ^ 0x55, place);
    writeFileSync(compiledPath(bundle), content);
    expect(runBundle(bundle).wasCompiled).toBe(false);
  });

  it.each([0, 3, 4, 500])('with no more than %i bytes of them', (length) => {
    writeFileSync(compiledPath(bundle), readFileSync(compiledPath(bundle)).subarray(0, length));
    expect(runBundle(bundle).wasCompiled).toBe(false);
  });

  it('as it is now, where it was changed since, be it as long as before', () => {
    writeFileSync(bundle, SOURCE.toString().replace('here', 'away'));
    const { entry, wasCompiled } = runBundle(bundle);
    expect(entry.main()).toEqual(new Error('away'));
    expect(wasCompiled).toBe(false);
  });
});
