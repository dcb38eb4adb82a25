/** What the bundle is made of, and what it offers to who runs it. */
export { main } from '../run.ts';
export { rehearse } from './rehearsal.ts';
