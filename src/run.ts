import { flushCompileCache } from 'node:module';
import { type Gateway, startGateway } from './compose.ts';
import { parseConfig } from './config.ts';
import { loggedError } from './core/logged-error.ts';
import { type Logger, systemClock } from './core/ports.ts';
import { loadEnvFile } from './env-file.ts';
import { StartupError } from './errors.ts';
import { createLogger } from './telemetry/logger.ts';

/** What the process does. */
export function main(): void {
  run().catch(fail);
}

/** From the environment to a gateway that listens, and from a signal or a fault to an exit code. */
async function run(): Promise<void> {
  loadEnvFile();
  const config = parseConfig(process.env);
  const logger = await createLogger({
    level: config.logLevel,
    readable: process.stdout.isTTY ?? false,
  });
  stopOnFault(logger);
  const gateway = await startGateway(config, {
    clock: systemClock,
    random: Math.random,
    fetch: globalThis.fetch,
    logger,
  });
  // First: whoever reads that it is up may send a signal at once.
  stopOnSignal(gateway, logger);
  announce(gateway, logger);
  if (config.isOpenOnPurpose) warnOfOpenness(logger);
  // Now, since a process that is killed would leave nothing for its successor.
  flushCompileCache();
}

function announce({ url, demoOrders }: Gateway, logger: Logger): void {
  if (demoOrders.length > 0) {
    logger.warn(
      {},
      'no ONECLICKDZ_API_KEY: running on the built-in simulator of OneClickDz, with made-up orders (those that are settled stay so; delete the database to begin anew)',
    );
    for (const { id, story } of demoOrders) logger.info({}, `try order ${id}: ${story}`);
  }
  logger.info({}, `Topup Gateway is up: open ${url.href}`);
}

function warnOfOpenness(logger: Logger): void {
  logger.warn(
    {},
    'AUTH=none: whoever can reach this address can read every order, card codes included; see that only your proxy can',
  );
}

/** A second signal ends the process at once: the default, since the first took the listener away. */
function stopOnSignal(gateway: Gateway, logger: Logger): void {
  const stop = (signal: NodeJS.Signals) => {
    logger.info({ signal }, 'shutting down');
    gateway.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
}

/** A fault that nobody caught: Node would print the error whole, with whatever its message holds. */
function stopOnFault(logger: Logger): void {
  const onFault = (error: unknown) => {
    logger.error(loggedError(error), 'a fault that nobody caught; stopping');
    process.exit(1);
  };
  process.on('uncaughtException', onFault);
}

function fail(error: unknown): never {
  if (error instanceof StartupError) {
    process.stderr.write(`topup-gateway: ${error.message}\n`);
    process.exit(error.exitCode);
  }
  process.stderr.write(`topup-gateway: ${error instanceof Error ? error.stack : 'failed'}\n`);
  process.exit(1);
}
