import { resolve } from 'node:path';
import { currentBundle } from '../../src/bundle/bundle.ts';

/** Before all tests: else the first ones that start a gateway would each make the file that it runs, at once. */
export default async function bundleFirst(): Promise<void> {
  await currentBundle(resolve(import.meta.dirname, '../..'));
}
