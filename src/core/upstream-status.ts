/** How the upstream, as a whole, has been treating us. */
export type UpstreamState = 'PROVING' | 'SERVING' | 'FAILING' | 'THROTTLED' | 'REFUSED';

export interface UpstreamStatus {
  readonly state: UpstreamState;
  /** When calls go on; `null` while they do. */
  readonly resumesAt: number | null;
  /** What the configuration allows. */
  readonly limitPerMinute: number;
  /** What we allow ourselves at present, after what 429s took. */
  readonly callsPerMinute: number;
  /** Calls made within the last 60 s. */
  readonly usedInLastMinute: number;
  /** Calls that could start this moment. */
  readonly budgetLeft: number;
  /** Whether lists are relied on to refresh many orders with one call. */
  readonly usesLists: boolean;
}
