import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './paths.ts';

/** The machine, and how busy it was: a load above 2 shows that other programs were running. */
export function machine(): string {
  const [cpu] = cpus();
  const cores = `${cpus().length} cores of ${cpu?.model ?? 'an unknown processor'}`;
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const load = (loadavg()[1] ?? 0).toFixed(1);
  return `${cores}, ${memory}, ${process.platform} ${release()} ${arch()}, Node ${process.version}, mean load of the last 5 minutes ${load}`;
}

/** The names and versions of the contestants' packages. */
export function versions(): readonly string[] {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'bench/package.json'), 'utf8'),
  );
  return Object.entries({ ...dependencies, ...optionalDependencies }).map(
    ([name, version]) => `${name} ${version}`,
  );
}
