import * as z from 'zod';
import type { Call } from './calls.ts';
import { OPERATIONS } from './routes.ts';

export const FAULT_NAMES = [
  // On the wire.
  'hang', // no answer, ever
  'hangBody', // half an answer, then nothing
  'slow', // the normal answer after `delayMs`
  'connectionReset',
  'truncated', // JSON cut off in the middle
  'tooLarge', // 50 MB, with a content-length if `announced`
  // From a proxy or a router in front of the upstream.
  'html', // a proxy's page, 502
  'htmlOk', // a page with status 200
  'routerMiss', // 404 without the envelope
  // Refusals in the upstream's own envelope.
  'throttled', // 429 with `retryAfterSeconds`
  'throttledBare', // 429 without a `Retry-After`
  'badRequest', // 400
  'unauthorized', // 401
  'forbidden', // 403
  'outOfScope', // 403: the key may not make this call
  'notFound', // 404
  'serverError', // 500
  'unavailable', // 503, with `retryAfterSeconds` if given
  'authUnavailable', // 503: the key could not be checked, which does not mean that it is bad
  // Wrong answers. If the normal answer is a refusal, these leave it unchanged.
  'otherId', // the id of another order than the one asked for
  'missingFields', // nothing but _id and status
  'nullFields', // everything but _id and status is null
  'type4GLTE', // another word for the type 4G
  'maskedCards', // all but the last four digits of a card code hidden
  'unknownStatus', // a status that no document names
  'noData', // success without data
  'items', // a list with the row name of the mobile list
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

export const faultSchema = z.strictObject({
  fault: z.enum(FAULT_NAMES),
  /** How many calls the fault affects; by default, all until `heal`. */
  times: z.int().positive().optional(),
  /** Affects only calls that ask for this order, by id or by reference; a list call asks for no order. */
  orderId: z.string().optional(),
  operation: z.enum(OPERATIONS).optional(),
  /** For `slow`; 1,000 by default. */
  delayMs: z.number().nonnegative().optional(),
  /** For `throttled`, 5 by default, and for `unavailable`, where it is left out by default. */
  retryAfterSeconds: z.number().nonnegative().optional(),
  /** For `tooLarge`: whether the response has a `Content-Length`. */
  announced: z.boolean().optional(),
});

/** A fault, and which calls it affects. */
export type Fault = Readonly<z.infer<typeof faultSchema>>;

export interface Faults {
  /** Returns a function that removes this one fault. */
  add(fault: Fault): () => void;
  clear(): void;
  /** The fault that affects this call, or `undefined`; of several, the one that was added first. Counts it as used. */
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
