import { flushCompileCache } from 'node:module';
import { type Gateway, startGateway } from './compose.ts';
import { misspelt, parseConfig } from './config.ts';
import { loggedError } from './core/logged-error.ts';
import { type Logger, systemClock, type Timer } from './core/ports.ts';
import { loadEnvFile } from './env-file.ts';
import { StartupError } from './errors.ts';
import { createLogger } from './telemetry/logger.ts';

/** Runs the gateway. Ends the process if the gateway cannot start. */
export function main(): void {
  run().catch(fail);
}

/** Reads the environment, starts the gateway, and turns signals and uncaught errors into exit codes. */
async function run(): Promise<void> {
  loadEnvFile();
  const config = parseConfig(process.env);
  const logger = await createLogger({
    level: config.logLevel,
    readable: process.stdout.isTTY ?? false,
    clock: systemClock,
  });
  stopOnFault(logger);
  for (const warning of misspelt(process.env)) logger.warn({}, warning);
  const gateway = await startGateway(config, {
    clock: systemClock,
    random: Math.random,
    fetch: globalThis.fetch,
    logger,
  });
  // Before the announcement: a supervisor that reads it may send a signal at once.
  stopOnSignal(gateway, logger);
  announce(gateway, logger);
  if (config.isOpenOnPurpose) warnOfOpenness(logger);
  // Node writes the compile cache only when it exits: a process that is killed would leave none for the next start.
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

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** A second signal, of either kind, ends the process at once: by then both listeners are removed. */
function stopOnSignal(gateway: Gateway, logger: Logger): void {
  const onSignal = (signal: NodeJS.Signals) => stop({ signal });
  const npm = whenNpmEnds(() => stop({ reason: 'npm has ended' }));
  const stop = (why: { readonly signal: string } | { readonly reason: string }) => {
    for (const each of STOP_SIGNALS) process.off(each, onSignal);
    npm.cancel();
    logger.info({ ...why }, 'shutting down');
    gateway.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  for (const each of STOP_SIGNALS) process.on(each, onSignal);
}

const LOOK_FOR_NPM_EVERY_MS = 1_000;

/**
 * Between npm and the gateway runs a shell, which dies of a signal to npm without passing it on. The gateway would go
 * on alone, and keep its port and its database. On Windows this never calls back.
 */
function whenNpmEnds(onEnd: () => void): Timer {
  const shell = process.ppid;
  let timer: Timer | undefined;
  const lookLater = () => {
    timer = systemClock.after(LOOK_FOR_NPM_EVERY_MS, () =>
      process.ppid === shell ? lookLater() : onEnd(),
    );
  };
  if (process.env['npm_lifecycle_event'] !== undefined) lookLater();
  return { cancel: () => timer?.cancel() };
}

/** Logs an uncaught error and exits. Node itself would print the whole error, whatever its message contains. */
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
