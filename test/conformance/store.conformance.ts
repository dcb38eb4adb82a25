import { afterEach, describe } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { bells } from './store/bells.ts';
import { census } from './store/census.ts';
import { concurrency } from './store/concurrency.ts';
import { lifetime } from './store/lifetime.ts';
import type { OpenStore } from './store/observations.ts';
import { pages } from './store/pages.ts';
import { reading } from './store/reading.ts';
import { recording } from './store/recording.ts';
import { schedule } from './store/schedule.ts';
import { tracking } from './store/tracking.ts';
import { writes } from './store/writes.ts';

/** What every implementation of `Store` has to do. `open` gives an empty one each time. */
export function storeConformance(name: string, open: OpenStore): void {
  describe(`a store: ${name}`, () => {
    const opened: Store[] = [];
    const openHere = async () => {
      const store = await open();
      opened.push(store);
      return store;
    };
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
    });

    describe('recording an observation', () => recording(openHere));
    describe('tracking an order', () => tracking(openHere));
    describe('reading the log', () => reading(openHere));
    describe('the schedule', () => schedule(openHere));
    describe('pages of a list', () => pages(openHere));
    describe('the census', () => census(openHere));
    describe('bells', () => bells(openHere));
    describe('news of what is written', () => writes(openHere));
    describe('concurrent appends', () => concurrency(openHere));
    describe('notes and lifetime', () => lifetime(openHere));
  });
}
