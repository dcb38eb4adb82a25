import type { DocumentNode, ExecutionResult } from 'graphql';
import type { Access } from '../core/access.ts';
import type { Basis } from '../core/basis.ts';
import type { Cursor } from '../core/cursor.ts';
import type { GatewayError } from '../errors.ts';
import type { Live } from '../graphql/execution/live.ts';

/** What the server passes to Yoga along with a request. */
export interface RequestContext {
  /** Whose allowance lookups are taken from. */
  readonly caller: string;
  /** The last event that the client of an event stream has seen, if it has come back. */
  readonly lastEvent?: Cursor | undefined;
  /** Called when the head of an event stream is made. */
  readonly onStream?: () => void;
  /** Called before a subscription is streamed over HTTP. Returns an error if there is no place for the stream. */
  readonly enterStream?: () => GatewayError | undefined;
  /**
   * Called with a subscription that may run and is to be streamed over HTTP. Returns whether the callee sends the
   * events itself; then Yoga makes only the head of the response.
   */
  readonly takeStream?: (live: Live) => boolean;
  /** Records what the answer rests on; set if the answer may be kept. */
  readonly basis?: Basis | undefined;
  /** The result of the operation, if it has already run. */
  readonly executed?: ExecutionResult | undefined;
  /** Called with the document of the operation once it has run without an error. */
  readonly onAnswered?: (document: DocumentNode) => void;
  /** The rights of a WebSocket, from the ticket that it was opened with; an HTTP request brings its own ticket. */
  readonly access?: Access;
}
