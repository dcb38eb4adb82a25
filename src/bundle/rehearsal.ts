import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gateway, startGateway } from '../compose.ts';
import { parseConfig } from '../config.ts';
import { systemClock } from '../core/ports.ts';
import { createLogger } from '../telemetry/logger.ts';

const PATIENCE_MS = 10_000;

/** Starts a gateway that nobody else sees and sends it one query, so that V8 compiles the functions that these call. */
export async function rehearse(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'topup-gateway-rehearsal-'));
  try {
    const gateway = await start(join(folder, 'gateway.db'));
    try {
      await ask(gateway);
    } finally {
      await gateway.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(database: string): Promise<Gateway> {
  const config = parseConfig({ DATABASE_URL: `file:${database}`, PORT: '0', LOG_LEVEL: 'silent' });
  const clock = systemClock;
  const logger = await createLogger({ level: config.logLevel, readable: false, clock });
  const { fetch } = globalThis;
  return startGateway(config, { clock, random: Math.random, fetch, logger });
}

async function ask({ url, demoOrders }: Gateway): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: 'query ($id: ID!) { topup(id: $id) { id status cardCode checkedAt } }',
      variables: { id: demoOrders[0]?.id },
    }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`the rehearsal was answered with ${response.status}`);
  await response.text();
}
