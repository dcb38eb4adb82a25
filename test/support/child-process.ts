import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const ROOT = new URL('../..', import.meta.url).pathname;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the gateway until it exits, and collects its output. */
export async function runGateway(environment: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, ['src/main.js'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: child.exitCode, stdout, stderr };
}

export interface ProcessGroup extends AsyncDisposable {
  /** The lines of standard output, as they are written. */
  readonly lines: AsyncIterable<string>;
  /** Sends a signal to the process and all its descendants, as a terminal does. */
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal to the process alone, as `kill` does. */
  signalAlone(signal: NodeJS.Signals): void;
  /** Resolves once all these processes have ended. */
  readonly ended: Promise<unknown>;
}

/** Starts a command that starts further processes, such as npm, so that all of them can be ended together. */
export function startProcessGroup(
  command: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>>,
): ProcessGroup {
  const [file, ...args] = command;
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  // Standard output closes when the last process that has it open ends.
  const ended = once(child, 'close');
  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // All processes of the group have ended already.
    }
  };
  return {
    lines: createInterface({ input: child.stdout }),
    signal,
    signalAlone: (name) => void child.kill(name),
    ended,
    async [Symbol.asyncDispose]() {
      signal('SIGKILL');
      await ended;
    },
  };
}
