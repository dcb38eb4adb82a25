import type { GraphiQLOptions } from 'graphql-yoga';

export interface Tab {
  readonly query: string;
  readonly variables?: string;
}

/**
 * GraphiQL as one page that holds all it needs: the machine may be offline. Its nine megabytes are loaded
 * when somebody first opens it, not at start.
 */
export async function renderGraphiQL(options: GraphiQLOptions): Promise<string> {
  const graphiql = await import('@graphql-yoga/render-graphiql');
  return graphiql.renderGraphiQL({
    ...options,
    title: 'Topup Gateway',
    subscriptionsProtocol: 'WS',
    defaultEditorToolsVisibility: 'variables',
  });
}

/** The tabs that a newcomer finds open: one for each thing that the gateway does. */
export function tabsFor(orderIds: readonly string[]): readonly Tab[] {
  const [settled = EXAMPLE_ID, followed = settled] = orderIds;
  return [
    { query: FOLLOW, variables: toVariables({ id: followed }) },
    { query: ASK, variables: toVariables({ id: settled }) },
    { query: HISTORY, variables: toVariables({ id: followed }) },
    { query: GATEWAY },
  ];
}

/** The one of OneClickDz's documentation: a place to put one's own. */
const EXAMPLE_ID = '6901616fe9e88196b4eb64b2';

function toVariables(variables: Record<string, unknown>): string {
  return JSON.stringify(variables, null, 2);
}

const FOLLOW = `# Follows a top-up until it is final. Press the play button and wait.
subscription FollowTopup($id: ID!) {
  topupStatus(id: $id) {
    status
    version
    observedAt
    isFinal
    cardCode
    refundMessage
    cursor
  }
}
`;

const ASK = `# The state of a top-up, now.
query AskTopup($id: ID!) {
  topup(id: $id) {
    status
    type
    number
    amount
    cardCode
    transactionNumber
    checkedAt
    nextCheckAt
    isStale
  }
}
`;

const HISTORY = `# Every state that a top-up has been seen in.
query TopupHistory($id: ID!) {
  topup(id: $id) {
    status
    history(first: 20) {
      edges {
        cursor
        node {
          version
          status
          observedAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
`;

const GATEWAY = `# How the gateway itself is doing.
query GatewayStatus {
  gateway {
    upstream {
      state
      simulated
      usedInLastMinute
      limitPerMinute
    }
    tracked {
      status
      count
    }
    overdue
    subscriptions
  }
}
`;
