import { resolve } from 'node:path';
import { currentBundle } from '../../src/bundle/bundle.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Before all tests: else the first ones that start a gateway would each make the file that it runs, at once. And what
 * tests start besides gateways, right from its sources, is compiled once, not by each anew.
 */
export default async function bundleFirst(): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] ??= resolve(ROOT, 'node_modules/.cache/topup-gateway-tests');
  await currentBundle(ROOT);
}
