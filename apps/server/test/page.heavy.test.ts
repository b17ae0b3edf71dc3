import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type RunningServer } from './support/running-server.ts';

/** Where to put pictures of the page, for people to look at. */
const shots = process.env.CLICKLAKE_SHOTS;

let server: RunningServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ events: 3000, deadLetters: 3, liveIntervalMs: 200 });
  await server.owner.start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  context = await browser.newContext();
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) problems.push(message.text());
  });
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

async function shoot(name: string): Promise<void> {
  if (shots === undefined) return;
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

describe('the page', () => {
  it('tells whoever is not logged in where a link comes from', async () => {
    await page.goto(server.url);
    await page.getByText('npx clicklake open').waitFor();
    await shoot('locked');
  });

  it('opens by a login link, and keeps no code in its address', async () => {
    const link = (await (await server.call('/api/login-links', { method: 'POST', body: {} })).json()) as {
      path: string;
    };
    await page.goto(`${server.url}${link.path}`);
    await page.waitForURL(`${server.url}/`);
    await page.getByRole('heading', { name: 'Where every record is' }).waitFor();
  });

  it('shows the live numbers and a balanced ledger', async () => {
    await page.getByText('balanced', { exact: true }).waitFor();
    await page
      .getByText('3,003 appended = 3,000 silver + 3 dead letters + 0 duplicates + 0 in flight')
      .waitFor();
    await page.locator('#phase[data-state=good]').waitFor();
  });

  it('lists tables, topics and dead letters, whose bytes stay text', async () => {
    await page.locator('#tables td', { hasText: 'dead_letters' }).waitFor();
    await page.locator('#topics td', { hasText: 'errors' }).waitFor();
    await page.getByText('<script>alert(0)</script>').waitFor();
  });

  it('answers SQL from the keyboard', async () => {
    await page
      .getByLabel('SQL statement')
      .fill("SELECT '<img src=x onerror=alert(1)>' AS markup, NULL AS nothing, 1234567 AS n");
    await page.getByLabel('SQL statement').press('Control+Enter');
    await page.locator('#sql-result td', { hasText: '<img src=x onerror=alert(1)>' }).waitFor();
    await page.locator('#sql-result td', { hasText: '1,234,567' }).waitFor();
  });

  it('says when there is more than it shows, and when there is nothing', async () => {
    const run = async (sql: string): Promise<void> => {
      await page.getByLabel('SQL statement').fill(sql);
      await page.getByRole('button', { name: 'Run' }).click();
    };
    await run('SELECT event_id, page_url, received_at FROM silver');
    await page.getByText(/the first 500 rows; there are more/).waitFor();
    await shoot('large-result');
    await run('SELECT event_id FROM silver WHERE false');
    await page.getByText('No rows.').waitFor();
  });

  it('shows what is wrong with a statement, and what to do', async () => {
    await page.getByLabel('SQL statement').fill('SELECT nothing FROM silver');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('alert').filter({ hasText: 'nothing' }).waitFor();
    await shoot('error');
  });

  it('cancels a statement', async () => {
    const endless = 'SELECT count(*) FROM silver a, silver b, silver c, silver d, silver e';
    await page.getByLabel('SQL statement').fill(endless);
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled.').waitFor();
    await page.getByRole('button', { name: 'What happens' }).click();
    await page.locator('#sql-result td', { hasText: 'page_view' }).waitFor();
  });

  for (const width of [1440, 390]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`fits ${width} px in ${colorScheme} colours, readable`, async () => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
        expect(await page.evaluate(lowContrast)).toEqual([]);
        await shoot(`${width}-${colorScheme}`);
      });
    }
  }

  it('names everything that can be reached with the keyboard', async () => {
    const nameless = await page.evaluate(`[...document.querySelectorAll('button, textarea, [tabindex], a')]
      .filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length))
      .map((one) => one.outerHTML)`);
    expect(nameless).toEqual([]);
  });

  it('broke no policy and raised no error on the way', () => {
    expect(problems).toEqual([]);
  });

  it('says so when the server is gone', async () => {
    await context.setOffline(true);
    await server.stop();
    await page.locator('#phase[data-state=bad]').waitFor();
    await page.getByText('clicklake does not answer').waitFor();
  });
});

/** Text below WCAG AA (4.5, or 3 for large text) against the nearest background that is not transparent. */
const lowContrast = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = rgba(colour).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (rgba(colour)[3] > 200) return colour;
    }
    return 'white';
  };
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!hasText || one.checkVisibility() === false || one.disabled) continue;
    const style = getComputedStyle(one);
    const [light, dark] = [luminance(style.color), luminance(backgroundOf(one))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24;
    if (ratio < (isLarge ? 3 : 4.5)) found.push(one.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
  }
  return found;
})()`;
