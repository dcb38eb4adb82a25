import * as z from 'zod';
import type { Call } from './calls.ts';
import { OPERATIONS } from './routes.ts';

export const FAULT_NAMES = [
  // On the wire.
  'hang', // no answer, ever
  'hangBody', // half an answer, then nothing
  'slow', // the right answer after `delayMs`
  'connectionReset',
  'truncated', // JSON cut off in the middle
  'tooLarge', // 50 MB, with a content-length if `announced`
  // In front of the upstream.
  'html', // a proxy's page, 502
  'htmlOk', // a page with status 200
  'routerMiss', // 404 without the envelope
  // Refusals in the upstream's own envelope.
  'throttled', // 429 with `retryAfterSeconds`
  'throttledBare', // 429 that does not say how long
  'badRequest', // 400
  'unauthorized', // 401
  'forbidden', // 403
  'notFound', // 404
  'serverError', // 500
  'unavailable', // 503, with `retryAfterSeconds` if given
  'authUnavailable', // 503: the key could not be checked, which does not mean that it is bad
  // Answers that are not what they should be. They leave a refusal as it is.
  'otherId', // about another order than the one asked for
  'missingFields', // nothing but _id and status
  'nullFields', // everything but _id and status is null
  'type4GLTE', // another word for the type 4G
  'unknownStatus', // a status that no document names
  'noData', // success without data
  'items', // a list under the mobile list's name
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

export const faultSchema = z.strictObject({
  fault: z.enum(FAULT_NAMES),
  /** How many calls it befalls; without it, all until `heal`. */
  times: z.int().positive().optional(),
  /** Only calls that ask for this order, by id or by reference. A list asks for none. */
  orderId: z.string().optional(),
  operation: z.enum(OPERATIONS).optional(),
  /** For `slow`. One second where left out. */
  delayMs: z.number().nonnegative().optional(),
  /** For `throttled`, 5 where left out, and `unavailable`. */
  retryAfterSeconds: z.number().nonnegative().optional(),
  /** For `tooLarge`. */
  announced: z.boolean().optional(),
});

/** A fault, and which calls it befalls. */
export type Fault = Readonly<z.infer<typeof faultSchema>>;

export interface Faults {
  /** Returns what takes this one fault away again. */
  add(fault: Fault): () => void;
  clear(): void;
  /** The fault that befalls this call: of several, the one that was added first. */
  take(call: Call): Fault | undefined;
}

export function createFaults(): Faults {
  const armed = new Set<{ readonly fault: Fault; left: number }>();

  return {
    add(fault) {
      const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      armed.add(entry);
      return () => armed.delete(entry);
    },
    clear: () => armed.clear(),
    take(call) {
      for (const entry of armed) {
        if (!befalls(entry.fault, call)) continue;
        entry.left -= 1;
        if (entry.left <= 0) armed.delete(entry);
        return entry.fault;
      }
      return undefined;
    },
  };
}

function befalls({ orderId, operation }: Fault, call: Call): boolean {
  return (
    (orderId === undefined || orderId === call.orderId) &&
    (operation === undefined || operation === call.operation)
  );
}
