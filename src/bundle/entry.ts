/** The entry point of the bundle, with what the bundle exports. */
export { main } from '../run.ts';
export { rehearse } from './rehearsal.ts';
