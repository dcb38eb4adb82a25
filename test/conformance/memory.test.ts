import { expect, test } from 'vitest';
import { createMemoryStore } from '../support/memory-store.ts';
import { storeConformance } from './store.conformance.ts';

storeConformance('memory', async () => createMemoryStore());

test('a memory store takes the log id that it is given', () => {
  expect(createMemoryStore({ logId: 'log-1' }).logId).toBe('log-1');
});
