import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emailValues } from '../../src/core/emails/kinds.ts';
import { recordEvent } from '../../src/core/events.ts';
import { rateLimits } from '../../src/core/rate-limits.ts';
import { activity, type EventName } from '../../src/events.ts';
import { FIXED } from '../../src/languages/catalog.ts';
import { accent, plainWords } from '../support/accents.ts';
import { login, send, signUp } from '../support/app.ts';
import { MINUTE } from '../support/clock.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { withApp } from '../support/with-app.ts';

const folder = mkdtempSync(join(tmpdir(), 'usher-messages-'));
afterAll(() => rmSync(folder, { recursive: true }));
const english: Record<string, string> = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../messages/en.json'), 'utf8'),
);
const accented = Object.entries(english)
  .filter(([key]) => !FIXED.has(key))
  .map(([key, message]) => [key, accent(message)]);
writeFileSync(join(folder, 'eo.json'), JSON.stringify(Object.fromEntries(accented)));

describe('the pages of devices and activity, in a language of accents only', () => {
  const { app, inside } = withApp(undefined, () => ({ messages: folder, language: 'eo' }));
  let ada: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    ada = await signUp(app, newIp());
    await login(app, ada);
  });
  const look = async (path: string): Promise<string> => {
    const headers = { cookie: `usher=${ada.browser.cookie}`, accept: 'text/html' };
    return (await send(app, 'GET', path, undefined, { headers })).text;
  };
  /** The words of a page without accents, except the identifiers of the user. */
  const wordsIn = (page: string): string[] =>
    plainWords(page.replaceAll(ada.email, '').replaceAll(ada.username, ''));
  const happen = (name: EventName, details: Record<string, string>, actorId: string | null = null) =>
    recordEvent(
      inside.db,
      name,
      { requestId: null, ip: newIp(), userAgent: '' },
      { userId: ada.id, actorId, details },
      app.clock.now(),
    );

  const done = ['one', 'others', 'gone', 'device', 'unknown', 'renamed'].map((one) => `?done=${one}`);

  it.each(['', ...done, '?confirm=others', '?confirm=everywhere'])(
    'leave no English word on the devices page %s',
    async (query) => {
      expect(wordsIn(await look(`/dashboard/sessions${query}`))).toEqual([]);
    },
  );

  it('leave no English word in the activity, whatever happened', async () => {
    await happen('user_updated', {}, 'operator');
    await happen('user_updated', {}, '00000000-0000-7000-8000-000000000000');
    for (const [name, key] of Object.entries(activity)) if (key !== null) await happen(name as EventName, {});
    for (const [limit, { of }] of Object.entries(rateLimits))
      if (of !== 'range') await happen('rate_limit_exceeded', { limit });
    for (const kind of Object.keys(emailValues)) if (kind !== 'test') await happen('email_sent', { kind });
    let path: string | undefined = '/dashboard/activity';
    for (let pages = 0; path !== undefined; pages++) {
      expect(pages).toBeLessThan(9);
      expect(wordsIn(await look(path))).toEqual([]);
      path = /href="([^"]+cursor=[^"]+)"/.exec(await look(path))?.[1];
    }
  });

  it('leave no English word where a device is renamed, or the password is asked for', async () => {
    const page = await look('/dashboard/sessions');
    const [, id = ''] = /\?rename=([\w-]+)/.exec(page) ?? [];
    expect(wordsIn(await look(`/dashboard/sessions?rename=${id}`))).toEqual([]);
    app.clock.advance(6 * MINUTE);
    expect(wordsIn(await look(`/dashboard/sessions?rename=${id}`))).toEqual([]);
    for (const fields of [
      { others: 'end' },
      { everywhere: 'end' },
      { session: id },
      { device: id },
      { rename: id, name: '' },
    ]) {
      const asked = await submit(app, '/dashboard/sessions', fields, { cookie: ada.browser.cookie });
      expect([asked.status, wordsIn(asked.text)]).toEqual([401, []]);
    }
  });
});
