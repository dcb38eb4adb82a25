import { type DocumentNode, parse } from 'graphql';
import { expect, it } from 'vitest';
import type { GatewayError } from '../../src/errors.ts';
import { DEFAULT_LIMITS } from '../../src/limits/limits.ts';
import { type Held, refuseToHold } from '../../src/transports/websocket/held.ts';

const REFUSED = ['subscriptions_size', 'LIMIT_EXCEEDED'];
const limits = { ...DEFAULT_LIMITS, messageBytes: 1_000 };

function documentOf(characters: number): DocumentNode {
  return parse('{ a }'.padEnd(characters));
}

/** The limits that a subscription meets beside those that run on its socket, and the code of the error. */
function refusedBeside(running: readonly Held[], asked: Held): readonly string[] {
  const refused: string[] = [];
  try {
    refuseToHold(asked, running, { limits, onRefused: (limit) => refused.push(limit) });
  } catch (error) {
    refused.push((error as GatewayError).code);
  }
  return refused;
}

it('one alone may hold anything that a message can', () => {
  expect(refusedBeside([], { document: documentOf(900), characters: 900 })).toEqual([]);
});

it('each may hold a document of its own, which counts five times, up to the size of one message', () => {
  const running = [{ document: documentOf(100), characters: 0 }];
  expect(refusedBeside(running, { document: documentOf(100), characters: 0 })).toEqual([]);
  expect(refusedBeside(running, { document: documentOf(101), characters: 0 })).toEqual(REFUSED);
});

it('a document that several have counts once, and what else they hold for each', () => {
  const document = documentOf(100);
  const running = [100, 200].map((characters) => ({ document, characters }));
  expect(refusedBeside(running, { document, characters: 200 })).toEqual([]);
  expect(refusedBeside(running, { document, characters: 201 })).toEqual(REFUSED);
});
