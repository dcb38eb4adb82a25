import * as z from 'zod';

/** The schema of an environment variable that holds a whole number from `least` to `most`, both included. */
export const wholeNumber = (
  least: number,
  most: number,
  expected = `a whole number from ${least} to ${most}`,
) =>
  z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= least && value <= most, expected);
