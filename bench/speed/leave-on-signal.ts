/** Loaded before a server that is profiled: Node writes a profile only where the process leaves by itself. */
process.once('SIGINT', () => process.exit(0));
