import type { Logger } from '../../src/core/ports.ts';
import type { Telemetry } from '../../src/core/telemetry.ts';

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

export const noTelemetry: Telemetry = {
  upstreamCall() {},
  snapshotAppended() {},
  sweepsStopped() {},
  ordersLeftOut() {},
  eventSent() {},
  subscriptionOpened() {},
  subscriptionClosed() {},
};
