/** Processes of the bench, pinned to a core if the system supports it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command, Report } from './messages.ts';

/** The core of the measured server. */
export const SERVER_CORE = 0;
/** The core of the clients and the upstream. */
export const CLIENT_CORE = 1;

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

const PATIENCE_MS = 120_000;

export function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

const canPin = isInstalled('taskset');

const living = new Set<ChildProcess>();

/** Makes sure that no process outlives the bench, unless the bench is killed. */
export function endAllWithBench(): void {
  process.once('exit', () => {
    for (const child of living) child.kill('SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

/** The command line that runs `command` on one core; `command` itself if the system cannot pin processes. */
export function pinned(core: number, command: readonly string[]): readonly [string, ...string[]] {
  const [first = '', ...rest] = command;
  return canPin ? ['taskset', '-c', String(core), first, ...rest] : [first, ...rest];
}

export interface Start {
  readonly core: number;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

type Of<Kind extends Report['kind']> = Extract<Report, { kind: Kind }>;

/** A child process of the bench. */
export class Pinned {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #startedWith: string;

  constructor({ core, command, environment = {}, cwd }: Start) {
    const [first, ...rest] = pinned(core, command);
    this.#startedWith = command.join(' ');
    this.child = spawn(first, rest, {
      cwd,
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    living.add(this.child);
    this.child.once('close', () => living.delete(this.child));
    this.child.on('error', () => undefined);
    this.child.setMaxListeners(0);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
  }

  tell(command: Command): void {
    this.child.send(command);
  }

  /** The next report of a kind. Rejects if the process ends first, or sends none for two minutes. */
  hear<Kind extends Report['kind']>(kind: Kind): Promise<Of<Kind>> {
    return this.#until<Of<Kind>>((resolve) => {
      const listen = (report: unknown) => {
        if (isReport(report, kind)) resolve(report);
      };
      this.child.on('message', listen);
      return () => this.child.off('message', listen);
    });
  }

  ask<Kind extends Report['kind']>(command: Command, kind: Kind): Promise<Of<Kind>> {
    const answer = this.hear(kind);
    this.tell(command);
    return answer;
  }

  /** The first line of output, past or future, that matches `pattern`. Rejects as `hear` does. */
  line(pattern: RegExp): Promise<string> {
    const written = this.#lines.find((line) => pattern.test(line));
    if (written !== undefined) return Promise.resolve(written);
    return this.#until((resolve) => {
      const take = (line: string) => {
        if (pattern.test(line)) resolve(line);
      };
      this.child.on('line', take);
      return () => this.child.off('line', take);
    });
  }

  /** User and system time so far, for programs of any kind. NaN if the system has no /proc. */
  cpuMs(): number {
    const file = `/proc/${this.child.pid}/stat`;
    if (!existsSync(file)) return Number.NaN;
    // Counted after the process name, which may contain anything; utime and stime are the 14th and 15th field of all.
    const fields = readFileSync(file, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  /**
   * For how many milliseconds so far the main thread could have run, but its core was taken by something else. NaN if
   * the system does not say.
   */
  waitedMs(): number {
    const file = `/proc/${this.child.pid}/schedstat`;
    if (!existsSync(file)) return Number.NaN;
    return Number(readFileSync(file, 'latin1').split(' ')[1]) / 1e6;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }

  #take(line: string): void {
    if (this.#lines.length < 1_000) this.#lines.push(line);
    this.child.emit('line', line);
  }

  async #until<T>(begin: (resolve: (value: T) => void) => () => void): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (why: string) =>
      reject(new Error(`${this.#startedWith}: ${why}\n${this.#lines.slice(-20).join('\n')}`));
    const onClose = () => fail('ended');
    const timer = setTimeout(() => fail('said nothing for two minutes'), PATIENCE_MS);
    const end = begin(resolve);
    this.child.once('close', onClose);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.child.off('close', onClose);
      end();
    }
  }
}

function isReport<Kind extends Report['kind']>(
  report: unknown,
  kind: Kind,
): report is Extract<Report, { kind: Kind }> {
  return typeof report === 'object' && report !== null && 'kind' in report && report.kind === kind;
}
