import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Compiling what has not changed since the last start would take a third of each start. The cache lies
 * beside what it is made from; where that cannot be written, Node goes on without one.
 */
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/topup-gateway', import.meta.url)));

await import('./run.ts');
