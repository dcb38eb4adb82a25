import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';

/*
 * What `npm start` runs. The only file in JavaScript, since Node would load its TypeScript compiler for the
 * first one that is not. Later ones come without their types from the cache below.
 */

const root = resolve(import.meta.dirname, '..');

// For what is loaded besides the bundle. Where the cache cannot be written, Node goes on without one.
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
