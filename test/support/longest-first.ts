import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take longest, the longest first: begun last, one of them would run on when all others are done. */
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

/** A clone that never ran the tests has no times of earlier runs to go by. */
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
