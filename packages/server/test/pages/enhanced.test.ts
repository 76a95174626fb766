// What the console and the account pages do with and without scripts, beyond their contents.
import { beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, Browser as Program, signUp } from '../support/app.ts';
import { findBarriers, overflowOf, startBrowser, type Visitor, visit } from '../support/browser.ts';
import { newIp } from '../support/forge.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const browser = withStarted(startBrowser, (it) => it.close());

describe('the pages of a signed-in user', () => {
  // What is seen does not depend on the database.
  const { app, inside } = withApp();
  let admin: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app, newIp());
    await inside.promote(admin.id);
  });

  async function signedIn(options: Parameters<typeof visit>[2] = {}): Promise<Visitor> {
    const program = new Program(app, newIp());
    await program.post('/v1/signin', { email: admin.email, password: PASSWORD });
    const visitor = await visit(browser, app.url, options);
    await visitor.context.addCookies([{ name: 'usher', value: program.cookie ?? '', url: app.url }]);
    return visitor;
  }

  it('have a menu that opens without scripts, and closes with Escape where there are some', async () => {
    for (const javaScriptEnabled of [false, true]) {
      const { page, complaints, close } = await signedIn({ javaScriptEnabled, reducedMotion: 'reduce' });
      await page.goto('/dashboard');
      const console = page.getByRole('link', { name: 'Admin console' });
      expect(await console.isVisible()).toBe(false);
      await page.locator('.menu > summary').click();
      expect(await console.isVisible()).toBe(true);
      if (javaScriptEnabled) {
        expect(await findBarriers(page)).toEqual([]);
        await page.keyboard.press('Escape');
        expect(await console.isVisible()).toBe(false);
        await page.locator('.menu > summary').click();
      }
      await console.click();
      await page.waitForURL('**/admin');
      expect(complaints).toEqual([]);
      await close();
    }
  });

  it('show times in the zone of the browser, with scripts, until the user chooses one', async () => {
    const { browser: program, username } = await signUp(app, newIp());
    // The last day of February in UTC, the first of March in Tokyo.
    await inside.db
      .updateTable('users')
      .set({ created_at: Date.parse('2026-02-28T20:00:00Z') })
      .where('username', '=', username)
      .execute();
    const shown = async (javaScriptEnabled: boolean) => {
      const options = { javaScriptEnabled, timezoneId: 'Asia/Tokyo', locale: 'de' };
      const { page, context, complaints, close } = await visit(browser, app.url, options);
      await context.addCookies([{ name: 'usher', value: program.cookie ?? '', url: app.url }]);
      await page.goto('/dashboard');
      const since = page.locator('.facts time');
      const words = [await since.textContent(), await since.getAttribute('title')];
      expect(complaints).toEqual([]);
      await close();
      return words;
    };
    expect(await shown(false)).toEqual(['28. Februar 2026', '28. Februar 2026 um 20:00 UTC']);
    expect(await shown(true)).toEqual(['1. März 2026', '1. März 2026 um 05:00 GMT+9']);
    await program.send('PATCH', '/v1/me', { time_zone: 'America/New_York' });
    expect(await shown(true)).toEqual(['28. Februar 2026', '28. Februar 2026 um 15:00 GMT-5']);
  });

  it('show the values of a chart on hover and with the arrow keys, and no data apart from zero', async () => {
    const { page, complaints, close } = await signedIn();
    await page.goto('/admin');
    const steps = page.locator('.chart', { hasText: 'Active sessions' }).locator('.hit');
    const shown = (at: number) =>
      steps.nth(at).evaluate((one) => (one.getAttribute('tabindex') === '0' ? one.ariaLabel : null));
    const said = await steps.evaluateAll((all) => all.map(({ ariaLabel }) => ariaLabel));
    expect(said).toHaveLength(7);
    expect(said[0]).toMatch(/\nPeak: No data$/);
    expect(said[6]).toMatch(/\nPeak: \d+$/);
    const signIns = page.locator('.chart', { hasText: 'Sign-ins' }).locator('.hit').first();
    expect(await signIns.getAttribute('aria-label')).toMatch(/\nSuccessful: 0\nFailed: 0$/);
    const values = "getComputedStyle(document.querySelector('.hit'), '::after').content";
    expect(await page.evaluate(values)).toBe('none');
    await page.locator('.hit').first().hover();
    expect(await page.evaluate(values)).toContain('Successful: 0');
    expect(await shown(6)).toBe(said[6]);
    await steps.nth(6).focus();
    await page.keyboard.press('ArrowLeft');
    expect([await shown(6), await shown(5)]).toEqual([null, said[5]]);
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe(said[5]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('stack the rows of a table on a narrow screen, which is a table to a screen reader', async () => {
    const { page, close } = await signedIn({ viewport: { width: 390, height: 800 } });
    await page.goto('/admin/users');
    const row = page.locator('tbody tr').first();
    const [name, status] = [
      await row.locator('th').boundingBox(),
      await row.locator('td').first().boundingBox(),
    ];
    expect(status?.y).toBeGreaterThanOrEqual((name?.y ?? 0) + (name?.height ?? 0));
    const label = "getComputedStyle(document.querySelector('tbody td'), '::before').content";
    expect(await page.evaluate(label)).toBe('"Status"');
    expect(await page.getByRole('table').getByRole('columnheader').allInnerTexts()).toContain('Status');
    expect(await overflowOf(page)).toBe(0);
    await close();
  });
});
