import { errorCodeOf } from '../core/logged-error.ts';
import { parseSimulatorConfig, type SimulatorConfig } from './config.ts';
import { addDemoOrders } from './demo.ts';
import { startSimulatorServer } from './server.ts';
import { createSimulator } from './simulator.ts';

/** The exit code for an invalid configuration (EX_CONFIG of sysexits.h). */
const EXIT_CONFIG = 78;

const parsed = parseSimulatorConfig(process.env);
if (parsed.ok) await run(parsed.config);
else end(EXIT_CONFIG, parsed.faults.map((fault) => `${fault}\n`).join(''));

async function run({ port, ...options }: SimulatorConfig): Promise<void> {
  const simulator = createSimulator(options);
  const demo = addDemoOrders(simulator);
  try {
    const server = await startSimulatorServer(simulator, { port });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void server.close().then(() => process.exit(0)));
    }
    const orders = demo.map(({ id, story }) => `  ${id}  ${story}\n`).join('');
    process.stdout.write(
      `OneClickDz simulator at ${server.url}, key ${options.apiKey}, orders to ask for:\n${orders}`,
    );
  } catch (error) {
    if (errorCodeOf(error) !== 'EADDRINUSE') throw error;
    end(
      1,
      `Port ${port} is in use: set SIMULATOR_PORT to another, or to 0 for any that is free.\n`,
    );
  }
}

function end(exitCode: number, message: string): void {
  process.stderr.write(message);
  process.exitCode = exitCode;
}
