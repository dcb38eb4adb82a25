import type * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';

/** Parses JSON that an earlier process noted; `undefined` if it does not fit, as a note of another version may not. */
export function parseNote<Schema extends z.ZodType>(
  note: string | undefined,
  schema: Schema,
): z.infer<Schema> | undefined {
  return note === undefined ? undefined : schema.safeParse(parseJson(note)).data;
}
