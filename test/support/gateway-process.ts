import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = new URL('../..', import.meta.url).pathname;

export interface GatewayProcess extends AsyncDisposable {
  /** The URL of GraphQL over HTTP. */
  readonly url: string;
  /** The URL of GraphQL over WebSocket. */
  readonly wsUrl: string;
  readonly child: ChildProcess;
  /** All output so far, of both streams. */
  readonly lines: readonly string[];
  /** Resolves with the first output line, past or future, that `accept` accepts. */
  line(accept: (line: string) => boolean): Promise<string>;
  /** Sends a signal and waits for the process to end. Resolves with the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/**
 * Starts the gateway as a user does, on a free port unless the environment sets `PORT`. Rejects if the gateway ends
 * before it is up.
 *
 * @param root the folder in which the gateway is installed; this project by default.
 */
export async function startGatewayProcess(
  environment: Readonly<Record<string, string>>,
  root: string = ROOT,
): Promise<GatewayProcess> {
  const running = spawnGateway(environment, root);
  const up = await Promise.race([
    running.line((line) => line.includes('is up: open')),
    running.ended.then((code) => {
      throw new Error(`the gateway ended with ${code}:\n${running.lines.join('\n')}`);
    }),
  ]);
  const url = /http:\/\/[^\s"]+/.exec(up)?.[0] ?? '';
  return {
    url,
    wsUrl: url.replace('http:', 'ws:'),
    child: running.child,
    lines: running.lines,
    line: running.line,
    end: async (signal) => {
      running.child.kill(signal);
      return running.ended;
    },
    [Symbol.asyncDispose]: async () => {
      running.child.kill('SIGKILL');
      await running.ended;
    },
  };
}

function spawnGateway(environment: Readonly<Record<string, string>>, root: string) {
  const child = spawn(process.execPath, ['src/main.js'], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // An interrupted test run must not leave its gateways running.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const take = (line: string) => {
    lines.push(line);
    for (const listener of [...listeners]) listener(line);
  };
  createInterface({ input: child.stdout }).on('line', take);
  createInterface({ input: child.stderr }).on('line', take);
  const ended = once(child, 'close').then(
    ([code, signal]: (number | NodeJS.Signals | null)[]) => code ?? signal ?? null,
  );
  const line = (accept: (text: string) => boolean) =>
    new Promise<string>((resolve) => {
      const written = lines.find(accept);
      if (written !== undefined) return resolve(written);
      const listener = (text: string) => {
        if (!accept(text)) return;
        listeners.delete(listener);
        resolve(text);
      };
      listeners.add(listener);
    });
  return { child, lines, ended, line };
}

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'topup-gateway-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
