/** `npm run prune`: removes old snapshots of settled orders, while the gateway serves. */

import { parseArgs } from 'node:util';
import type Database from 'better-sqlite3';
import { parseConfig } from '../config.ts';
import { type Pruned, prune } from '../store/sqlite/prune.ts';
import { orUsageError, runCommand, UsageError } from './command.ts';
import { openExisting, yieldLock } from './database.ts';
import { parseDuration } from './duration.ts';

const USAGE = `usage: npm run prune -- --older-than 90d [--dry-run]

  --older-than  how long ago a snapshot was first seen that goes: 12h, 90d
  --dry-run     says what would go, and leaves it

Of an order that is settled, all snapshots as old as that go but its last. DATABASE_URL must be that of the gateway
(a .env file is read).`;

/** Batches between two lines of progress. */
const REPORT_EVERY = 100;

interface Arguments {
  readonly olderThanMs: number;
  readonly isDryRun: boolean;
}

function parseArguments(): Arguments {
  const values = orUsageError(() =>
    parseArgs({
      options: {
        'older-than': { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
      },
    }),
  ).values;
  const age = values['older-than'];
  if (age === undefined) throw new UsageError('--older-than is missing');
  const olderThanMs = orUsageError(() => parseDuration(age), '--older-than');
  return { olderThanMs, isDryRun: values['dry-run'] };
}

async function main(): Promise<void> {
  const { olderThanMs, isDryRun } = parseArguments();
  const database = openExisting(parseConfig(process.env).databaseUrl);
  let batch = 0;
  const pause = async (total: Pruned, tookMs: number) => {
    batch += 1;
    if (batch % REPORT_EVERY === 0) process.stderr.write(`${said(total, isDryRun)} so far\n`);
    if (!isDryRun) await yieldLock(tookMs);
  };
  try {
    const before = Date.now() - olderThanMs;
    const total = await prune(database, { before, isDryRun, pause });
    process.stdout.write(`${said(total, isDryRun)}; ${roomIn(database)}\n`);
  } finally {
    database.close();
  }
}

function said({ snapshots, orders }: Pruned, isDryRun: boolean): string {
  return `${snapshots} snapshots of ${orders} settled orders ${isDryRun ? 'would go' : 'removed'}`;
}

/** The file does not shrink: its free pages are used before it grows. */
function roomIn(database: Database.Database): string {
  const pages = Number(database.pragma('freelist_count', { simple: true }));
  const bytes = pages * Number(database.pragma('page_size', { simple: true }));
  return `${(bytes / 1_000_000).toFixed(1)} MB in the file are free for new ones`;
}

await runCommand({ name: 'prune', usage: USAGE, main });
