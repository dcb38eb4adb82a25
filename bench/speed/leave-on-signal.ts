/** Loaded before a profiled server: Node writes a profile only if the process exits by itself. */
process.once('SIGINT', () => process.exit(0));
