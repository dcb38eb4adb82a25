import type { DocumentNode } from 'graphql';
import type { Guard } from '../../limits/guard.ts';
import { limitExceeded } from '../../limits/limits.ts';

/** What a subscription holds for as long as it runs. */
export interface Held {
  /** Held once, however many subscriptions have the same one. */
  readonly document: DocumentNode;
  /** The length of all else that the client sent. */
  readonly characters: number;
}

/** A parsed document takes far more memory than its text: up to 170 bytes for a character. */
const WEIGHT_OF_DOCUMENTS = 5;

/**
 * Refuses a subscription if all those on its socket would hold more than one message may have. One alone may run.
 *
 * @throws GatewayError `LIMIT_EXCEEDED`
 */
export function refuseToHold(
  asked: Held,
  running: readonly Held[],
  { limits, onRefused }: Pick<Guard, 'limits' | 'onRefused'>,
): void {
  const most = limits.messageBytes;
  if (running.length === 0) return;
  const all = [asked, ...running];
  const documents = new Set(all.map(({ document }) => document));
  let weight = 0;
  for (const { characters } of all) weight += characters;
  for (const { loc } of documents) weight += WEIGHT_OF_DOCUMENTS * (loc?.source.body.length ?? 0);
  if (weight <= most) return;
  onRefused('subscriptions_size');
  throw limitExceeded('The subscriptions on this socket are too long together: use variables.');
}
