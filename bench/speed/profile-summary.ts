/** Summarises a CPU profile of V8 by package and by function. */

/** A profile as `--cpu-prof` writes it, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the previous sample. */
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  /** The share of the time in which the process was not idle, 0 to 1. */
  readonly part: number;
}

export interface Summary {
  readonly busyMs: number;
  readonly packages: readonly Share[];
  readonly functions: readonly Share[];
}

const IDLE = '(idle)';
const MOST_SHOWN = 25;

export function summaryOf({ nodes, samples, timeDeltas }: CpuProfile): Summary {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    const time = timeDeltas[index] ?? 0;
    if (frame === undefined || frame.functionName === IDLE) continue;
    const owner = ownerOf(frame.url, frame.functionName);
    busy += time;
    add(packages, owner, time);
    add(functions, `${frame.functionName || 'an anonymous function'}, ${owner}`, time);
  }
  return {
    busyMs: busy / 1_000,
    packages: shares(packages, busy),
    functions: shares(functions, busy),
  };
}

export function printed({ busyMs, packages, functions }: Summary): readonly string[] {
  const rows = (all: readonly Share[]) =>
    all.slice(0, MOST_SHOWN).map(({ name, part }) => `| ${name} | ${(part * 100).toFixed(1)} % |`);
  return [
    `${Math.round(busyMs)} ms of CPU time, each function without those that it calls`,
    '',
    '| package or folder | |',
    '|---|---:|',
    ...rows(packages),
    '',
    '| function | |',
    '|---|---:|',
    ...rows(functions),
  ];
}

/** The package, the folder of `src` or Node's own module; the garbage collector and native calls by name. */
function ownerOf(url: string, functionName: string): string {
  const path = url.replace(/^.*node_modules\//, 'node_modules/');
  const ofPackage = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  if (ofPackage !== undefined) return ofPackage;
  const ofOurs = /\/(src\/[^/]+)/.exec(url)?.[1];
  if (ofOurs !== undefined) return ofOurs;
  return url === '' ? functionName : url;
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

function shares(times: ReadonlyMap<string, number>, whole: number): readonly Share[] {
  return [...times]
    .map(([name, time]) => ({ name, part: time / whole }))
    .sort((one, other) => other.part - one.part);
}
