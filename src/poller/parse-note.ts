import type * as z from 'zod';

/** What an earlier process noted as JSON. What cannot be read is as good as nothing: another version wrote it. */
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
