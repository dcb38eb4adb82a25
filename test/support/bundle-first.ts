import { resolve } from 'node:path';
import { currentBundle } from '../../src/bundle/bundle.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Runs before all tests. Makes the bundle that gateway processes run; otherwise the first tests that start a gateway
 * would all make it at the same time. Also sets a compile cache, so that other programs, which tests start from their
 * sources, are compiled only once.
 */
export default async function bundleFirst(): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] ??= resolve(ROOT, 'node_modules/.cache/topup-gateway-tests');
  await currentBundle(ROOT);
}
