/** The messages between the bench and the processes that it starts. */

/** A command to send an event to every subscriber of these orders. */
export interface Publish {
  readonly kind: 'publish';
  readonly sequence: number;
  /** One event for each of this many orders, from the first on. */
  readonly orders: number;
}

export type Command =
  /** `afterCollection`: collect garbage first, if Node runs with `--expose-gc`. */
  | { readonly kind: 'usage'; readonly afterCollection?: boolean }
  | Publish
  /** For the upstream: from now on, delay each answer by `delayMs`, and count calls from 0. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'calls' }
  | OpenSubscribers
  | {
      readonly kind: 'ask at once';
      readonly url: string;
      readonly times: number;
      readonly id: string;
    };

export interface OpenSubscribers {
  readonly kind: 'open';
  readonly url: string;
  readonly subscribers: number;
  /** Whether each subscriber follows an order of its own, or all follow the first. */
  readonly own: boolean;
  readonly over: Over;
}

/** The transport of subscriptions. */
export type Over = 'WebSocket' | 'server-sent events';

export type Report =
  | { readonly kind: 'listening'; readonly port: number }
  | Usage
  | { readonly kind: 'done' }
  | { readonly kind: 'calls'; readonly calls: number }
  | { readonly kind: 'opened' }
  | Delivered
  | { readonly kind: 'asked'; readonly lastMs: number; readonly answered: number };

export interface Usage {
  readonly kind: 'usage';
  /** User and system time of the process so far. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Sent once all subscribers have received an event. `delaysMs` count from its publication. */
export interface Delivered {
  readonly kind: 'delivered';
  readonly sequence: number;
  readonly delaysMs: readonly number[];
}

/**
 * The time of the system's monotonic clock, which all processes of this machine share, in milliseconds with a
 * fraction.
 */
export function moment(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A value for an event's `ref`, from which the receiver knows which event it is and when it was published. */
export function stampOf(sequence: number): string {
  return `E${sequence}@${moment().toFixed(3)}@`;
}

const STAMP = /"E(\d+)@([\d.]+)@"/;

export function readStamp(
  text: string,
): { readonly sequence: number; readonly at: number } | undefined {
  const found = STAMP.exec(text);
  if (found === null) return undefined;
  return { sequence: Number(found[1]), at: Number(found[2]) };
}

export function tell(report: Report): void {
  process.send?.(report);
}

/** Calls `listen` for each command that the bench sends to this process. */
export function onCommand(listen: (command: Command) => void): void {
  process.on('message', (message) => {
    // Only the bench has the other end of the channel.
    if (isCommand(message)) listen(message);
  });
}

function isCommand(message: unknown): message is Command {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
