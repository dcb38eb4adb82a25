import { startSimulatorServer } from '../../src/simulator/server.ts';
import {
  createSimulator,
  SIMULATOR_API_KEY,
  type Simulator,
} from '../../src/simulator/simulator.ts';
import { type GatewayProcess, startGatewayProcess, temporaryFolder } from './gateway-process.ts';

export interface GatewayOverSimulator extends AsyncDisposable {
  readonly simulator: Simulator;
  /** The present gateway process; a new one after each `restart`. */
  readonly gateway: GatewayProcess;
  readonly databasePath: string;
  /** Starts a new gateway process on the same database and port. The previous one must have ended. */
  restart(): Promise<GatewayProcess>;
}

/**
 * Starts a gateway process, with a database of its own, that polls a simulator over a real socket. Resolves once the
 * simulator has answered whether the key is good, unless `prepare` makes that call fail: so tests begin with no call in
 * flight.
 */
export async function startGatewayOverSimulator(
  environment: Readonly<Record<string, string>> = {},
  prepare?: (simulator: Simulator) => void,
): Promise<GatewayOverSimulator> {
  const folder = await temporaryFolder();
  const simulator = createSimulator({ callsPerMinute: Number.POSITIVE_INFINITY });
  const server = await startSimulatorServer(simulator, { port: 0 });
  const databasePath = `${folder.path}/gateway.db`;
  const settings = {
    ONECLICKDZ_API_KEY: SIMULATOR_API_KEY,
    ONECLICKDZ_BASE_URL: new URL(server.url).origin,
    UPSTREAM_CALLS_PER_MINUTE: '6000',
    DATABASE_URL: `file:${databasePath}`,
    ...environment,
  };
  prepare?.(simulator);
  let gateway = await startGatewayProcess(settings);
  if (prepare === undefined) await keyAccepted(gateway);
  return {
    simulator,
    databasePath,
    get gateway() {
      return gateway;
    },
    async restart() {
      gateway = await startGatewayProcess({ ...settings, PORT: new URL(gateway.url).port });
      return gateway;
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function keyAccepted(gateway: GatewayProcess): Promise<void> {
  await gateway.line((line) => line.includes('OneClickDz accepts the API key'));
}
