import type * as z from 'zod';

/** Parses JSON that an earlier process noted; `undefined` if it does not fit, as a note of another version may not. */
export function parseNote<Schema extends z.ZodType>(
  note: string | undefined,
  schema: Schema,
): z.infer<Schema> | undefined {
  if (note === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(note)).data;
  } catch {
    return undefined;
  }
}
