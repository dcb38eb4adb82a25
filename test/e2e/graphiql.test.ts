import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { GraphiQLPage, launchBrowser, missingBrowser } from '../support/graphiql-page.ts';
import type { Addresses } from '../support/graphql-over-the-wire.ts';
import { ledLife } from '../support/led-life.ts';
import { bearer, SECRET } from '../support/tickets.ts';

it('is tested in a browser', ({ skip }) => {
  if (missingBrowser !== undefined && process.env['CI'] === undefined) {
    process.stderr.write(`GraphiQL is not tested: ${missingBrowser}\n`);
    skip(missingBrowser);
  }
  expect(missingBrowser).toBeUndefined();
});

describe.skipIf(missingBrowser !== undefined)('GraphiQL', () => {
  let browser: Browser;
  let gateway: GatewayProcess;
  let stack: GatewayOverSimulator;

  beforeAll(async () => {
    [browser, gateway, stack] = await Promise.all([
      launchBrowser(),
      startGatewayProcess({ DATABASE_URL: 'file::memory:' }),
      startGatewayOverSimulator({ AUTH_JWT_SECRET: SECRET }),
    ]);
  });

  afterAll(async () => {
    await browser.close();
    await gateway[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  describe('on a gateway without a key', () => {
    let page: GraphiQLPage;

    beforeAll(async () => {
      page = await GraphiQLPage.open(browser, gateway.url);
    });

    it('opens with a tab for each thing that the gateway does', async () => {
      expect(await page.tabs()).toEqual([
        'FollowTopup',
        'AskTopup',
        'TopupHistory',
        'GatewayStatus',
      ]);
    });

    it('answers a query about a made-up order as it stands in its tab', async () => {
      await page.choose('AskTopup');
      await page.play();
      await page.shows('"status": "FULFILLED"');
      await page.shows('"cardCode": "');
    });

    it('shows the history of an order', async () => {
      await page.choose('TopupHistory');
      await page.play();
      await page.shows('"version": 1');
    });

    it('says that it runs on a simulator', async () => {
      await page.choose('GatewayStatus');
      await page.play();
      await page.shows('"simulated": true');
    });

    it('follows a made-up order as it stands in its tab', async () => {
      await page.choose('FollowTopup');
      await page.play();
      await page.shows('"status": "HANDLING"');
      await page.shows('"isFinal": ');
      await page.isRunning();
    });

    // What its policy forbids is an error in the console.
    it('loads nothing from anywhere else, and complains of nothing', () => {
      expectNoOtherHost(page, gateway);
    });

    it('runs nothing that its policy does not name', async () => {
      expect(await page.smuggle()).toEqual({ ran: false, fetched: false });
      const violations = () =>
        page.traffic.complaints.filter((text) => /Content.Security.Policy/i.test(text)).length;
      await expect.poll(violations).toBeGreaterThanOrEqual(2);
    });
  });

  describe('on a gateway that asks for tickets', () => {
    let page: GraphiQLPage;

    beforeAll(async () => {
      page = await GraphiQLPage.open(browser, stack.gateway.url);
    });

    const showTicketFor = async (id: string) => {
      const exp = Math.floor(Date.now() / 1_000) + 60;
      const Authorization = await bearer({ topups: [id], scope: 'status', exp });
      await page.writeHeaders(JSON.stringify({ Authorization }));
    };

    it('says in each tab where a ticket goes', async () => {
      for (const tab of await page.tabs()) {
        await page.choose(tab);
        await page.offers('{"Authorization": "Bearer TICKET"}');
      }
      await page.choose('FollowTopup');
    });

    it('shows each state of an order as it comes, to the end', async () => {
      const life = ledLife();
      const id = stack.simulator.addOrder({ plan: life.plan });
      await showTicketFor(id);
      await page.write(
        `subscription FollowTopup { topupStatus(id: "${id}") { version upstreamStatus isFinal } }`,
      );
      await page.play();
      await page.shows('"upstreamStatus": "HANDLING"');
      await page.isRunning();
      life.goOn('CHECKING');
      await page.shows('"upstreamStatus": "CHECKING"');
      await page.shows('"version": 2');
      life.goOn('FULFILLED');
      await page.shows('"upstreamStatus": "FULFILLED"');
      await page.shows('"isFinal": true');
      await page.isDone();
      expectNoOtherHost(page, stack.gateway);
    });

    it('opens without a ticket, and takes one in its headers for queries and subscriptions alike', async () => {
      const id = stack.simulator.addOrder({ plan: ledLife().plan });
      for (const query of [
        // By the name of what was there before: GraphiQL takes a while to notice another.
        `query FollowTopup { topup(id: "${id}") { status } }`,
        `subscription FollowTopup { topupStatus(id: "${id}") { status } }`,
      ]) {
        await page.writeHeaders('{}');
        await page.write(query);
        await page.play();
        await page.shows('"code": "UNAUTHENTICATED"');
        await showTicketFor(id);
        await page.play();
        await page.shows('"status": "HANDLING"');
      }
    });

    it('does not leave a ticket in the browser', async () => {
      const id = stack.simulator.addOrder({ plan: ledLife().plan });
      await showTicketFor(id);
      await page.write(`query FollowTopup { topup(id: "${id}") { status } }`);
      expect(await page.keptWith(id)).not.toContain('Bearer ey');
    });
  });
});

function expectNoOtherHost({ traffic }: GraphiQLPage, { url }: Addresses): void {
  expect(traffic.requests.length).toBeGreaterThan(0);
  // The origin of what a page made itself, such as its workers, is the page's own.
  const origins = new Set(traffic.requests.map(({ origin }) => origin));
  expect([...origins]).toEqual([new URL(url).origin]);
  expect(traffic.complaints).toEqual([]);
}
