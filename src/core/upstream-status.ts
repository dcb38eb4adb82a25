export const UPSTREAM_STATES = ['PROVING', 'SERVING', 'FAILING', 'THROTTLED', 'REFUSED'] as const;

/** Whether the upstream as a whole answers the gateway's calls. */
export type UpstreamState = (typeof UPSTREAM_STATES)[number];

export interface UpstreamStatus {
  readonly state: UpstreamState;
  /** When calls resume, Unix milliseconds; `null` while they are not suspended. */
  readonly resumesAt: number | null;
  /** The configured limit. */
  readonly limitPerMinute: number;
  /**
   * The limit that the gateway keeps to at present: lower than the configured one after 429 responses, and if others
   * may send orders with the same key.
   */
  readonly callsPerMinute: number;
  /** Calls made within the last 60 s. */
  readonly usedInLastMinute: number;
  /** Calls that the budget has left now; none of them starts before `resumesAt`. */
  readonly budgetLeft: number;
  /** Whether lists are trusted to refresh many orders with one call. */
  readonly usesLists: boolean;
}
