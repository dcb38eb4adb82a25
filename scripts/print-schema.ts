/** Writes `schema/schema.graphql` from the code. A test fails where the two differ. */
import { writeFileSync } from 'node:fs';
import { printedSchema } from './printed-schema.ts';

writeFileSync(new URL('../schema/schema.graphql', import.meta.url), printedSchema());
