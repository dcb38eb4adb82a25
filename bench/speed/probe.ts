/** Loaded before a contestant's own code: reports the process's CPU time and memory to the bench. */
import { memoryUsage } from 'node:process';
import { onCommand, tell } from './messages.ts';

onCommand((command) => {
  if (command.kind !== 'usage') return;
  if (command.afterCollection) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  tell({ kind: 'usage', cpuMs: (user + system) / 1_000, rssBytes: memoryUsage.rss() });
});
