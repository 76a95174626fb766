import { describe, expect, inject, it } from 'vitest';
import { run } from '../cli/program.ts';
import { NEW_PASSWORD, PASSWORD, signUp } from '../support/app.ts';
import { clientOf, given } from '../support/client.ts';
import { lastEmail } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const html = { accept: 'text/html' };

describe.each(databases)('time zones on $name', ({ create }) => {
  const { app, database } = withApp(create);

  async function newcomer() {
    const { username, email } = await signUp(app, newIp());
    const client = clientOf(app);
    given(await client.signIn({ username, password: PASSWORD }));
    return { username, email, client };
  }

  it('are stored under the name of the IANA database, and removed again', async () => {
    const { client } = await newcomer();
    const chosen = async (time_zone: string) => given(await client.me.change({ time_zone })).user.time_zone;
    expect(given(await client.me.get()).user.time_zone).toBeNull();
    expect(await chosen(' europe/berlin ')).toBe('Europe/Berlin');
    expect(await chosen('US/Eastern')).toBe('America/New_York');
    for (const name of ['Asia/Calcutta', 'Asia/Kolkata']) expect(await chosen(name)).toBe('Asia/Kolkata');
    expect(await chosen('Etc/UTC')).toBe('UTC');
    expect(await chosen('')).toBeNull();
  });

  it.each(['Europe/Atlantis', '+01:00', 'Berlin', `Europe/${'a'.repeat(1_000)}`])(
    'reject %j',
    async (time_zone) => {
      const { client } = await newcomer();
      expect((await client.me.change({ time_zone })).error?.fields).toEqual([
        {
          field: 'time_zone',
          code: 'time_zone_invalid',
          message: 'Use the name of a time zone, such as Europe/Berlin.',
        },
      ]);
    },
  );

  it('are those of the pages and of the emails to the user', async () => {
    const { browser, email } = await signUp(app, newIp());
    const page = async () => (await browser.send('GET', '/dashboard', undefined, html)).text;
    expect(await page()).toContain('title="March 1, 2026 at 12:00 UTC" data-zone=""');
    await browser.send('PATCH', '/v1/me', { time_zone: 'Pacific/Kiritimati', locale: 'de' });
    const shown = await page();
    expect(shown).toContain('title="2. März 2026 um 02:00 GMT+14"');
    expect(shown).not.toMatch(/UTC|data-zone/);
    await browser.send('PUT', '/v1/me/password', { current_password: PASSWORD, new_password: NEW_PASSWORD });
    expect(await lastEmail(app, database, email, 'password_changed')).toMatchObject({
      time_zone: 'Pacific/Kiritimati',
    });
  });

  it('are chosen from a list by region, which keeps one that it does not have', async () => {
    const { browser } = await signUp(app, newIp());
    const profile = async () => (await browser.send('GET', '/dashboard/profile', undefined, html)).text;
    const before = await profile();
    expect(before).toContain('<option value="" selected="">Same as the browser</option>');
    expect(before).toMatch(
      /<optgroup label="Asia">.*<option value="Asia\/Kolkata">Kolkata<\/option>.*<\/optgroup>/s,
    );
    expect(before).not.toContain('Calcutta');
    const { cookie } = browser;
    const saved = await submit(
      app,
      '/dashboard/profile',
      { time_zone: 'Asia/Kolkata', locale: 'de' },
      { cookie },
    );
    expect(saved.headers.get('location')).toBe('/dashboard/profile?done=saved');
    const after = await profile();
    expect(after).toContain('<option value="Asia/Kolkata" selected="">Kolkata</option>');
    expect(after).toContain('<option value="de" lang="de" selected="">Deutsch</option>');
    await browser.send('PATCH', '/v1/me', { time_zone: 'Etc/GMT+3', locale: 'de-AT' });
    const kept = await profile();
    expect(kept).toContain('<option value="Etc/GMT+3" selected="">Etc/GMT+3</option>');
    expect(kept).toContain(
      '<option value="de-AT" lang="de-AT" selected="">Österreichisches Deutsch</option>',
    );
  });

  it('are in the download, and shown to an operator', async () => {
    const { client, username } = await newcomer();
    await client.me.change({ time_zone: 'Europe/Kyiv' });
    expect(given(await client.me.data()).user).toMatchObject({ time_zone: 'Europe/Kyiv' });
    const env = { USHER_DATABASE: database.url, USHER_SECRET: app.secret };
    const { stdout } = await run(inject('folder'), env, ['user', 'show', username]);
    expect(stdout).toMatch(/time_zone +Europe\/Kyiv/);
  });
});
