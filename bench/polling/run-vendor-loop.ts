import type { Fetch } from '../../src/core/ports.ts';
import { type Measured, measured } from './measure.ts';
import { type Run, sendAsTheyCome } from './run-gateway.ts';
import { distantSimulator } from './upstream.ts';
import type { VirtualClock } from './virtual-clock.ts';

const ATTEMPTS = 60;
const PAUSE_MS = 5_000;
const STOP_MS = 30_000;

/**
 * Runs what the vendor's documentation shows: one loop per order, which makes a call every 5 s, up to 60 times, and
 * ends when the status is FULFILLED, REFUNDED or QUEUED. As printed there, the loop reads `data.status` of every
 * response, so a 429 ends it for good.
 */
export async function runVendorLoop(run: Run): Promise<Measured> {
  const { clock, orders, seed } = run;
  const { simulator, fetch } = distantSimulator({ clock, seed, list: 'without cards' });
  const settledAt = new Map<string, number>();
  const ids = sendAsTheyCome({ orders }, { clock, simulator, fetch }, (id) => {
    poll(id, { clock, fetch, apiKey: simulator.apiKey }).then(
      (status) => {
        if (status !== 'QUEUED') settledAt.set(id, clock.now());
      },
      () => undefined,
    );
  });
  await clock.runUntil(run.until + STOP_MS);
  return measured(orders, (order) => settledAt.get(ids.get(order) ?? ''), simulator);
}

async function poll(
  id: string,
  { clock, fetch, apiKey }: { clock: VirtualClock; fetch: Fetch; apiKey: string },
): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const response = await fetch(`http://simulator.invalid/v3/internet/check-id/${id}`, {
      headers: { 'x-access-token': apiKey },
    });
    const body: { data: { status: string } } = JSON.parse(await response.text());
    const { status } = body.data;
    if (['FULFILLED', 'REFUNDED', 'QUEUED'].includes(status)) return status;
    await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
  }
  throw new Error('Timeout');
}
