interface GraphiQLOptions {
  /** Orders to show, if there are any. */
  readonly orderIds: readonly string[];
  readonly needsTickets: boolean;
}

/**
 * GraphiQL as one page that contains everything it needs, since the machine may be offline. Its nine megabytes are
 * loaded when the page is first opened, not at start.
 */
export async function renderGraphiQL({ orderIds, needsTickets }: GraphiQLOptions): Promise<string> {
  const graphiql = await import('@graphql-yoga/render-graphiql');
  const tabs = tabsFor(orderIds);
  const page = graphiql.renderGraphiQL({
    // Not as a header to be completed: without its ticket, the schema would be refused too.
    defaultTabs: needsTickets ? tabs.map(({ query }) => ({ query: TICKET_HINT + query })) : tabs,
    title: 'Topup Gateway',
    // Over server-sent events the headers tab works as it does for queries; over a WebSocket it would not.
    subscriptionsProtocol: 'SSE',
    defaultEditorToolsVisibility: needsTickets ? 'headers' : false,
    // A ticket must not stay in the browser of whoever tried it out; by default Yoga's page keeps all headers.
    shouldPersistHeaders: false,
  });
  return page.replace('</head>', `<style>${STILL_TABS}</style></head>`);
}

/**
 * GraphiQL 5 leaves the tabs of a first visit shifted by a transform, and shows them in place only until one has the
 * focus: under the pointer of a click, the tab jumps away. Without the transform, tabs can still be dragged; they are
 * only not seen to move.
 */
const STILL_TABS = '.graphiql-tab{transform:none !important}';

/** The tabs that a newcomer finds open: one for each thing that the gateway does. */
function tabsFor(orderIds: readonly string[]): { query: string }[] {
  const [followed = EXAMPLE_ID, settled = followed] = orderIds;
  return [
    { query: followQuery(followed) },
    { query: askQuery(settled) },
    { query: historyQuery(followed) },
    { query: GATEWAY_QUERY },
  ];
}

/** GraphiQL wants headers as JSON, and says so nowhere. */
const TICKET_HINT = `# A ticket goes into Headers, below:
# {"Authorization": "Bearer TICKET"}
`;

/** The order id in OneClickDz's documentation: a placeholder for one's own. */
const EXAMPLE_ID = '6901616fe9e88196b4eb64b2';

const followQuery = (id: string) => `# Press play: each change arrives as it happens.
subscription FollowTopup(
  $id: ID! = "${id}"
) {
  topupStatus(id: $id) {
    status
    isFinal
    cardCode
    refundMessage
    history {
      edges {
        node {
          version
          status
          observedAt
        }
      }
    }
  }
}
`;

const askQuery = (id: string) => `# The state of a top-up, now.
query AskTopup(
  $id: ID! = "${id}"
) {
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

const historyQuery = (id: string) => `# Every state that a top-up has been seen in.
query TopupHistory(
  $id: ID! = "${id}"
) {
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

const GATEWAY_QUERY = `# How the gateway itself is doing.
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
