import { existsSync } from 'node:fs';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Why there is no browser to test with; `undefined` where there is one. */
export const missingBrowser = existsSync(EXECUTABLE)
  ? undefined
  : `there is no Chromium at ${EXECUTABLE}: set CHROMIUM_PATH`;

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page asked of the network, and what it complained of. */
export interface Traffic {
  readonly requests: readonly URL[];
  readonly complaints: readonly string[];
}

/** GraphiQL as a person at the screen uses it. */
export class GraphiQLPage {
  readonly #page: Page;
  readonly traffic: Traffic;

  private constructor(page: Page) {
    this.#page = page;
    this.traffic = record(page);
  }

  static async open(browser: Browser, url: string): Promise<GraphiQLPage> {
    // A context of its own: GraphiQL keeps the tabs of a visit in the storage of the browser.
    const context = await browser.newContext();
    const page = new GraphiQLPage(await context.newPage());
    await page.#page.goto(url);
    await page.#page.getByRole('tab').first().waitFor();
    return page;
  }

  /** The titles of the tabs. */
  async tabs(): Promise<readonly string[]> {
    const titles = this.#page.locator('[role=tab] button:not([aria-label])');
    return titles.allTextContents();
  }

  /**
   * Chooses a tab, and waits until its query is in the editor and GraphiQL has taken the change in, which
   * it notes in the storage of the page: to play before that runs the one before.
   * By the keyboard, since the tabs slide into place at first, and a click would miss.
   */
  async choose(tab: string): Promise<void> {
    await this.#page
      .getByRole('tab', { name: tab })
      .getByRole('button', { name: tab })
      .press('Enter');
    await this.#line('Operation Editor', tab).waitFor();
    const index = (await this.tabs()).indexOf(tab);
    await this.#page.waitForFunction(
      (wanted) => globalThis.localStorage.getItem('graphiql:tabState')?.includes(wanted),
      `"activeTabIndex":${index}`,
    );
  }

  /** Selects all that is in the editor, and writes over it. */
  async write(query: string): Promise<void> {
    await this.#writeIn(this.#page.getByRole('region', { name: 'Operation Editor' }), query);
  }

  /** The same for the editor of headers, which it opens. */
  async writeHeaders(headers: string): Promise<void> {
    const editor = this.#page.getByRole('region', { name: 'Headers' });
    const isOpen = await editor.locator('.view-lines').locator('visible=true').isVisible();
    // The button of an editor that is open closes it.
    if (!isOpen) await this.#page.getByRole('button', { name: 'Headers' }).click();
    await this.#writeIn(editor, headers);
  }

  async #writeIn(editor: Locator, text: string): Promise<void> {
    await editor.locator('.view-lines').locator('visible=true').click();
    await this.#page.keyboard.press('ControlOrMeta+A');
    await this.#page.keyboard.insertText(text);
    // The brackets and quotes that the editor closed by itself.
    await this.#page.keyboard.press('ControlOrMeta+Shift+End');
    await this.#page.keyboard.press('Delete');
  }

  async play(): Promise<void> {
    await this.#page.getByRole('button', { name: /^Execute query/ }).click();
  }

  /** Waits until the result shows a line with this text. */
  async shows(text: string): Promise<void> {
    await this.#line('Result Window', text).waitFor();
  }

  /** Waits until the button offers to run again: what ran is over. */
  async isDone(): Promise<void> {
    await this.#page.getByRole('button', { name: /^Execute query/ }).waitFor();
  }

  /** Waits until the button offers to stop what runs. */
  async isRunning(): Promise<void> {
    await this.#page.getByRole('button', { name: /^Stop query/ }).waitFor();
  }

  /** Does in the page what somebody would who has smuggled something into it; tells what came of it. */
  smuggle(): Promise<{ readonly ran: boolean; readonly fetched: boolean }> {
    return this.#page.evaluate(async () => {
      const script = globalThis.document.createElement('script');
      script.textContent = 'globalThis.smuggled = true';
      globalThis.document.body.append(script);
      const fetched = await fetch('http://127.0.0.1:9/').then(
        () => true,
        () => false,
      );
      return { ran: 'smuggled' in globalThis, fetched };
    });
  }

  #line(region: string, text: string): Locator {
    const lines = this.#page.getByRole('region', { name: region }).locator('.view-line');
    return lines.filter({ hasText: text }).first();
  }
}

function record(page: Page): Traffic {
  const requests: URL[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(new URL(request.url())));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { requests, complaints };
}
