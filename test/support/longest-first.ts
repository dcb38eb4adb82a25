import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The slowest test files, the longest first: one that started last would still run when all others are done. */
const LONGEST = [
  'scale/scale',
  'e2e/crash',
  'e2e/bundle',
  'e2e/graphiql',
  'property/hostile-upstream',
  'attacks/fuzz',
  'e2e/process',
  'e2e/contract',
  'unit/sweeps',
  'unit/bench-bound',
];

/** Vitest itself sorts by the durations of earlier runs, which a fresh clone does not have. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return place < 0 ? LONGEST.length : place;
}
