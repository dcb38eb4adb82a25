import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';

/*
 * The entry point of `npm start`. The only JavaScript file: as TypeScript, it would make Node load its TypeScript
 * compiler on every start. Node takes the TypeScript files imported below from the compile cache, already stripped of
 * their types.
 */

const root = resolve(import.meta.dirname, '..');

// For modules outside the bundle. If the cache directory is not writable, Node runs without a cache.
enableCompileCache(join(root, 'node_modules/.cache/topup-gateway'));

const { currentBundle } = await import('./bundle/bundle.ts');
const bundle = await currentBundle(root);
if (bundle === undefined) {
  const { main } = await import('./run.ts');
  main();
} else {
  const { runBundle } = await import('./bundle/compiled.ts');
  runBundle(bundle).entry.main();
}
