import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const ROOT = here('../..');
/** The folder for databases and configurations that the bench writes; may be deleted between runs. */
export const DATA = here('../data');
export const RESULTS = here('../results');
export const PROBE = here('probe.ts');
export const WRK_SCRIPT = here('wrk.lua');
export const HTTP_CLIENT = here('http-client.ts');
export const STEADY_CLIENT = here('steady-client.ts');
export const SUBSCRIBERS = here('subscribers.ts');
export const BURST = here('burst-client.ts');
export const LEAVE_ON_SIGNAL = here('leave-on-signal.ts');
export const UPSTREAM = here('upstream.ts');
export const TAILCALL = here('../node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall');

export function contestantFile(name: string): string {
  return here(`contestants/${name}.ts`);
}
