const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]', '::1'];

/** Whether a host is this machine only. An IPv6 address may stand with or without brackets. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_HOSTS.includes(host);
}
