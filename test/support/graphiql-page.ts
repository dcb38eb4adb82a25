import { existsSync } from 'node:fs';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Why there is no browser to test with; `undefined` if there is one. */
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

/** The network requests of a page, and its errors. */
export interface Traffic {
  readonly requests: readonly URL[];
  readonly complaints: readonly string[];
}

/** GraphiQL in a browser, used through its user interface. */
export class GraphiQLPage {
  readonly #page: Page;
  readonly traffic: Traffic;

  private constructor(page: Page) {
    this.#page = page;
    this.traffic = record(page);
  }

  static async open(browser: Browser, url: string): Promise<GraphiQLPage> {
    // A context of its own, since GraphiQL keeps its tabs in the browser's storage.
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
   * Chooses a tab. Waits until its query is in the editor and GraphiQL has noted the change in the page's storage:
   * executing before that would run the previous tab's query.
   */
  async choose(tab: string): Promise<void> {
    await this.#page.getByRole('tab', { name: tab }).getByRole('button', { name: tab }).click();
    await this.#line('Operation Editor', tab).waitFor();
    const index = (await this.tabs()).indexOf(tab);
    await this.#page.waitForFunction(
      (wanted) => globalThis.localStorage.getItem('graphiql:tabState')?.includes(wanted),
      `"activeTabIndex":${index}`,
    );
  }

  /** Replaces the content of the query editor. */
  async write(query: string): Promise<void> {
    await this.#writeIn(this.#page.getByRole('region', { name: 'Operation Editor' }), query);
  }

  /** Replaces the content of the headers editor, after opening it if necessary. */
  async writeHeaders(headers: string): Promise<void> {
    const editor = this.#page.getByRole('region', { name: 'Headers' });
    const isOpen = await editor.locator('.view-lines').locator('visible=true').isVisible();
    // The button toggles: it would close an open editor.
    if (!isOpen) await this.#page.getByRole('button', { name: 'Headers' }).click();
    await this.#writeIn(editor, headers);
  }

  async #writeIn(editor: Locator, text: string): Promise<void> {
    await editor.locator('.view-lines').locator('visible=true').click();
    await this.#page.keyboard.press('ControlOrMeta+A');
    await this.#page.keyboard.insertText(text);
    // Delete the closing brackets and quotes that the editor has added by itself.
    await this.#page.keyboard.press('ControlOrMeta+Shift+End');
    await this.#page.keyboard.press('Delete');
  }

  /** All that the page keeps in the browser's storage, once this text is in it. */
  async keptWith(text: string): Promise<string> {
    const kept = await this.#page.waitForFunction((wanted) => {
      const all = JSON.stringify(globalThis.localStorage);
      return all.includes(wanted) && all;
    }, text);
    return String(await kept.jsonValue());
  }

  async play(): Promise<void> {
    await this.#page.getByRole('button', { name: /^Execute query/ }).click();
  }

  /** Waits until the result shows a line with this text. */
  async shows(text: string): Promise<void> {
    await this.#line('Result Window', text).waitFor();
  }

  /** Waits until the query editor shows a line with this text. */
  async offers(text: string): Promise<void> {
    await this.#line('Operation Editor', text).waitFor();
  }

  /** Waits until the button offers to execute again, so the operation has ended. */
  async isDone(): Promise<void> {
    await this.#page.getByRole('button', { name: /^Execute query/ }).waitFor();
  }

  /** Waits until the button offers to stop the running operation. */
  async isRunning(): Promise<void> {
    await this.#page.getByRole('button', { name: /^Stop query/ }).waitFor();
  }

  /** Tries what injected code would: an inline script and a request to another origin. Returns which of them worked. */
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
