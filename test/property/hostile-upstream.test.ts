import fc from 'fast-check';
import { expect, it } from 'vitest';
import { violations } from '../support/hostile/invariants.ts';
import { runScenario } from '../support/hostile/run-scenario.ts';
import { runs } from '../support/hostile/runs.ts';
import { crashLoops, type Scenario, scenarios } from '../support/hostile/scenario.ts';

/** Many runs, asked for by hand, take as long as they take; so does finding the simplest that fails. */
const PATIENCE_MS = 3_600_000;

async function expectAllToHold(scenario: Scenario): Promise<void> {
  expect(violations(await runScenario(scenario))).toEqual([]);
}

it(
  'whatever the upstream does, and with restarts in between, all that is promised holds',
  async () => {
    await fc.assert(fc.asyncProperty(scenarios(), expectAllToHold), runs(45));
  },
  PATIENCE_MS,
);

it(
  'the same holds for a gateway that crashes and is started again, over and over',
  async () => {
    await fc.assert(fc.asyncProperty(scenarios(crashLoops), expectAllToHold), runs(15));
  },
  PATIENCE_MS,
);
