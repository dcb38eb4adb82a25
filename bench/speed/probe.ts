/** Loaded before a contestant's own code: tells the bench what the process has used. */
import { memoryUsage } from 'node:process';
import { onCommand, tell } from './messages.ts';

onCommand((command) => {
  if (command.kind !== 'usage') return;
  if (command.afterCollection) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  tell({ kind: 'usage', cpuMs: (user + system) / 1_000, rssBytes: memoryUsage.rss() });
});
