/** What the bench and the processes that it starts tell each other. */

/** An event that every subscriber of these orders is to get. */
export interface Publish {
  readonly kind: 'publish';
  readonly sequence: number;
  /** One event for each of the first so many orders. */
  readonly orders: number;
}

export type Command =
  /** With a collection of garbage before, where Node was started so that it can be told to. */
  | { readonly kind: 'usage'; readonly afterCollection?: boolean }
  | Publish
  /** The upstream: answer so late from now on, and count the calls from 0. */
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
  /** Whether each follows an order of its own, or all the first. */
  readonly own: boolean;
  readonly over: Over;
}

/** How subscribers are told. */
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
  /** Of the process so far, user and system. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Told once all subscribers have had an event. Milliseconds from its publication. */
export interface Delivered {
  readonly kind: 'delivered';
  readonly sequence: number;
  readonly delaysMs: readonly number[];
}

/**
 * A moment that means the same in every process of this machine, in milliseconds with a fraction: of the clock
 * that nobody sets.
 */
export function moment(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Travels in an event's `ref`, so that whoever gets the message knows which event it is and how old. */
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

/** A process that the bench started hears its commands. */
export function onCommand(listen: (command: Command) => void): void {
  process.on('message', (message) => {
    // Only the bench holds the other end.
    if (isCommand(message)) listen(message);
  });
}

function isCommand(message: unknown): message is Command {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
