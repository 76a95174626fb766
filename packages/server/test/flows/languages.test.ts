import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLanguages } from '../../src/languages/languages.ts';
import { placeholderFaults } from '../../src/languages/placeholders.ts';
import { accent, plainWords } from '../support/accents.ts';
import { type Browser, NEW_PASSWORD, PASSWORD, send, signUp as signUpIn, WRONG } from '../support/app.ts';
import { clientOf } from '../support/client.ts';
import { queuedEmails } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const folder = mkdtempSync(join(tmpdir(), 'usher-messages-'));
afterAll(() => rmSync(folder, { recursive: true }));

const english: Record<string, string> = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../messages/en.json'), 'utf8'),
);

/** A folder with one file of messages. */
function folderWith(name: string, text: string): string {
  const own = mkdtempSync(join(folder, 'own-'));
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, name), text);
  return own;
}

const german = { 'accept-language': 'de-AT,de;q=0.9,en;q=0.5' };
const html = { accept: 'text/html' };

describe.each(databases)('languages on $name', ({ create }) => {
  const { app, database } = withApp(create);
  const signUp = (username: string, headers: Record<string, string> = {}) => {
    const email = `${username}@example.org`;
    return send(app, 'POST', '/v1/signup', { username, email, password: PASSWORD }, { headers });
  };
  const emailTo = async (to: string, kind: string) =>
    (await queuedEmails(app, database)).findLast((email) => email.to === to && email.kind === kind)?.values;

  it('say an error in the language of the caller, and its code and title in English', async () => {
    const { body, headers } = await send(app, 'GET', '/v1/me', undefined, { headers: german });
    expect(body).toMatchObject({
      code: 'unauthenticated',
      title: 'Authentication required',
      message: 'Melden Sie sich an, um fortzufahren.',
    });
    expect(headers.get('content-language')).toBe('de');
    expect(headers.get('vary')).toContain('Accept-Language');
  });

  it('say what is wrong with a field, with its values', async () => {
    const body = { username: 'bob', email: 'bob', password: 'short' };
    const reply = await send(app, 'POST', '/v1/signup', body, { headers: german });
    expect(reply.body.message).toBe('invalid credentials!');
    expect(reply.body.errors).toEqual([
      expect.objectContaining({
        field: 'email',
        message: expect.stringMatching(/^Geben Sie eine gültige E-Mail/),
      }),
      expect.objectContaining({
        field: 'password',
        message: expect.stringContaining('mindestens 8 Zeichen (bisher 5)'),
      }),
    ]);
  });

  it('are English for who asks for none, and for a language that there is not', async () => {
    for (const wanted of [{}, { 'accept-language': '*' }, { 'accept-language': 'tlh, x-klingon;q=0.9' }]) {
      const { body, headers } = await send(app, 'GET', '/v1/me', undefined, { headers: wanted });
      expect(body.message).toBe(english['errors.unauthenticated']);
      expect(headers.get('content-language')).toBe('en');
    }
  });

  it('show the account in the language that the user has chosen', async () => {
    const { browser } = await signUpIn(app, newIp());
    const heading = async (path: string, headers = html) =>
      /<h1>(.*?)<\/h1>/.exec((await browser.send('GET', path, undefined, headers)).text)?.[1];
    expect(await heading('/dashboard/data')).toBe('Data &amp; privacy');
    expect(await heading('/dashboard/data', { ...html, ...german })).toBe('Daten &amp; Datenschutz');
    await browser.send('PATCH', '/v1/me', { locale: 'de' });
    expect(await heading('/dashboard/profile')).toBe('Profil');
  });

  it('show the pages, and those that have not been translated in English', async () => {
    const page = await send(app, 'GET', '/sign-in', undefined, { headers: { ...html, ...german } });
    expect(page.text).toContain('<html lang="de" dir="ltr">');
    expect(page.text).toContain('<h1>Anmelden</h1>');
    expect(page.text).toContain('Noch kein Konto? <a href="/sign-up">Registrieren</a>');
    const docs = await send(app, 'GET', '/docs', undefined, { headers: { ...html, ...german } });
    expect(docs.text).toContain('<html lang="en" dir="ltr">');
    expect(docs.text).toContain('Skip to content');
  });

  it('write to the owner in the language of the account, which no stranger chooses', async () => {
    await signUp('grete', german);
    expect(await emailTo('grete@example.org', 'verify_email')).toMatchObject({ language: 'de' });
    await signUp('ada');
    for (const name of ['ada', 'grete'])
      await send(
        app,
        'POST',
        '/v1/send-mail',
        { email: `${name}@example.org` },
        { headers: { 'accept-language': name === 'ada' ? 'de' : 'en' } },
      );
    expect(await emailTo('ada@example.org', 'reset_password')).toMatchObject({ language: '' });
    expect(await emailTo('grete@example.org', 'reset_password')).toMatchObject({ language: 'de' });
  });

  it('are those that the user has chosen, whatever the browser prefers', async () => {
    const client = clientOf(app);
    await client.signUp({ username: 'hans', email: 'hans@example.org', password: PASSWORD });
    expect((await client.me.change({ locale: 'de_CH' })).data?.user.locale).toBe('de-CH');
    const { error } = await client.me.change({ locale: 'no language' });
    expect(error?.fields).toEqual([
      {
        field: 'locale',
        code: 'locale_invalid',
        message: 'Verwenden Sie ein Sprachkürzel wie en oder pt-BR.',
      },
    ]);
    expect((await client.me.change({ locale: '' })).data?.user.locale).toBeNull();
  });

  it('are those of security notices, too', async () => {
    const client = clientOf(app);
    await client.signUp({ username: 'lise', email: 'lise@example.org', password: PASSWORD });
    await client.me.change({ locale: 'de' });
    const changed = await client.me.changePassword({
      current_password: PASSWORD,
      new_password: NEW_PASSWORD,
    });
    expect(changed.error).toBeNull();
    expect(await emailTo('lise@example.org', 'password_changed')).toMatchObject({ language: 'de' });
  });
});

describe('the language of a header', () => {
  const languages = openLanguages({ folder: undefined, fallback: 'en' });

  it.each([
    ['de', 'de'],
    ['DE-at', 'de'],
    ['nl, de;q=0.5, en;q=0.8', 'en'],
    ['de;q=0, en;q=0.1', 'en'],
    ['pt', 'pt-BR'],
    ['pt-PT', 'pt-BR'],
    ['es-MX,en;q=0.5', 'es'],
    ['es-419', 'es'],
    ['fr-CA', 'fr'],
    ['ar-EG', 'ar'],
    ['ja-JP', 'ja'],
    ['zh-CN', 'zh-Hans'],
    ['zh-SG', 'zh-Hans'],
    ['zh-Hans-HK', 'zh-Hans'],
    ['zh', 'zh-Hans'],
    // Another script: any other language of the browser comes first.
    ['zh-TW, en;q=0.5', 'en'],
    ['zh-Hant, tlh;q=0.5', 'zh-Hans'],
    ['zh-TW', 'zh-Hans'],
    ['nl-NL', undefined],
    ['*, de', undefined],
    ['de;q=2', undefined],
    ['', undefined],
    ['-, ;;;, a-, \u0000', undefined],
  ])('%j is %s', (header, language) => {
    expect(languages.accepted(header)).toBe(language);
  });

  it('reads a bounded part of a hostile header', () => {
    for (const start of ['x,'.repeat(50), `${'a'.repeat(100_000)},`, 'a-'.repeat(50_000)])
      expect(languages.accepted(`${start}de`)).toBeUndefined();
  });

  it('finds the nearest one for a tag that a user chose, too', () => {
    expect(['zh-HK', 'pt-PT', 'fr-CA', 'nl', null].map(languages.match)).toEqual([
      'zh-Hans',
      'pt-BR',
      'fr',
      undefined,
      undefined,
    ]);
  });

  it('is one of those that the guide lists', () => {
    const guide = readFileSync(
      resolve(import.meta.dirname, '../../../../docs/guides', 'languages.md'),
      'utf8',
    );
    expect([...guide.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, tag]) => tag)).toEqual(languages.all);
  });

  it.each([
    ['en', 'March 1, 2026 at 12:00 UTC', '3 days ago'],
    ['de', '1. März 2026 um 12:00 UTC', 'vor 3 Tagen'],
    ['fr', '1 mars 2026 à 12:00 UTC', 'il y a 3 jours'],
    ['es', '1 de marzo de 2026 a las 12:00 UTC', 'hace 3 días'],
    ['pt-BR', '1 de março de 2026 às 12:00 UTC', 'há 3 dias'],
    ['ja', '2026年3月1日 12:00 UTC', '3 日前'],
    ['zh-Hans', '2026年3月1日 UTC 12:00', '3天前'],
    ['ar', '1 مارس 2026 في 12:00 UTC', 'قبل 3 أيام'],
  ])('has its own dates: %s', (language, time, ago) => {
    const t = languages.in(language);
    const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ').replace(/[\u200e\u200f]/g, '');
    expect(plain(t.time(Date.parse('2026-03-01T12:00:00Z')))).toBe(time);
    expect(plain(t.ago(3, 'day'))).toBe(ago);
  });

  it('has the digits and the calendar of logs in every region', () => {
    const own = openLanguages({
      folder: folderWith('ar-SA.json', '{"action.cancel": "إلغاء"}'),
      fallback: 'en',
    });
    expect(own.in('ar-SA').day(Date.parse('2026-03-01T12:00:00Z'))).toMatch(/1.*2026/);
    expect(own.in('ar-SA')('wait.minutes', { count: 12 })).toContain('12');
  });

  it('knows which way it is written', () => {
    expect(languages.in('ar').dir).toBe('rtl');
    expect(languages.in('de').dir).toBe('ltr');
  });
});

describe('the messages of an operator', () => {
  const open = (name: string, text: string) =>
    openLanguages({ folder: folderWith(name, text), fallback: 'en' });

  it('replace ours as the guide says', () => {
    const guide = readFileSync(
      resolve(import.meta.dirname, '../../../../docs/guides', 'languages.md'),
      'utf8',
    );
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(guide) ?? [];
    expect(open('de.json', json).in('de')('sign_in.title')).toBe('Einloggen');
  });

  it('replace ours by key, and add a language', () => {
    const de = open('de.json', '{"sign_in.title": "Einloggen"}').in('de');
    expect([de('sign_in.title'), de('action.cancel')]).toEqual(['Einloggen', 'Abbrechen']);
    const nl = open('nl.json', '{"sign_in.title": "Inloggen"}').in('nl');
    expect([nl('sign_in.title'), nl('action.cancel')]).toEqual(['Inloggen', 'Cancel']);
  });

  it.each([
    ['de.json', '{"sign_in.titel": "x"}', /de\.json: sign_in\.titel: unknown key/],
    ['de.json', '{"layout.error": "Fehler"}', /layout\.error: missing placeholder \{title\}/],
    ['de.json', '{"action.cancel": "{name}"}', /action\.cancel: unknown placeholder \{name\}/],
    ['de.json', '{"sign_in.no_account": "Registrieren"}', /missing placeholder <link>/],
    ['de.json', '{"wait.hours": "{count, plural, other {#}}"}', /missing plural form "one"/],
    ['de.json', '{"action.cancel": "{"}', /action\.cancel: not a valid ICU message/],
    [
      'de.json',
      '{"errors.user_exists": "x"}',
      /errors\.user_exists: this sentence is the same in every language/,
    ],
    ['de.json', '{"action.cancel": 1}', /action\.cancel: must be a text/],
    ['de.json', 'no', /de\.json: not valid JSON/],
    ['no language.json', '{}', /named after its language/],
  ])('that are wrong stop the start: %s, %j', (name, text, sentence) => {
    expect(() => open(name, text)).toThrow(sentence);
  });

  it('cannot add markup, and neither can a value', () => {
    const t = open(
      'de.json',
      '{"setup.application": "<link><b>{name}</b></link>"}'.replace('<b>', '').replace('</b>', ''),
    ).in('de');
    const parts = t.rich('setup.application', { name: '<script>', link: (children) => ({ children }) });
    expect(parts).toEqual([{ children: ['<script>'] }]);
  });

  it('name the language and the setting that do not fit', () => {
    expect(() => openLanguages({ folder: undefined, fallback: 'tlh' })).toThrow(/USHER_LANGUAGE: tlh/);
    expect(() => openLanguages({ folder: '/nowhere', fallback: 'en' })).toThrow(
      'USHER_MESSAGES: folder /nowhere not found.',
    );
  });

  it('need every plural form of the language', () => {
    const source = '{count, plural, one {# day} other {# days}}';
    expect(placeholderFaults('ar', source, source)).toEqual([
      'missing plural form "zero".',
      'missing plural form "two".',
      'missing plural form "few".',
      'missing plural form "many".',
    ]);
  });
});

describe('a language of accents only', () => {
  const accented = Object.fromEntries(
    Object.entries(english)
      .filter(([key]) => !/^errors\.(invalid_credentials|signup_rejected|user_exists)$/.test(key))
      .map(([key, message]) => [key, accent(message)]),
  );
  const own = folderWith('eo.json', JSON.stringify(accented));
  const { app, inside } = withApp(databases[0]?.create, () => ({ messages: own, language: 'eo' }));

  it.each([
    '/',
    '/sign-in',
    '/sign-in?return_to=/dashboard',
    '/sign-in?done=reset',
    '/sign-up',
    '/forgot-password',
    '/reset-password',
    '/verify',
    '/restore-email',
    '/setup',
    '/nowhere',
  ])('leaves no English word on %s', async (path) => {
    const { text } = await send(app, 'GET', path, undefined, { headers: html });
    expect(text).toContain('<html lang="eo" dir="ltr">');
    expect(plainWords(text)).toEqual([]);
  });

  it.each([
    '/dashboard',
    '/dashboard?done=welcome',
    '/dashboard/profile',
    '/dashboard/profile?done=saved',
    '/dashboard/security',
    '/dashboard/security?done=password',
    '/dashboard/email',
    '/dashboard/email?done=emailed',
    '/dashboard/email?done=verified',
    '/dashboard/data',
    '/dashboard/delete',
  ])('leaves no English word on %s of a user', async (path) => {
    const { browser, username } = await signUpIn(app, newIp());
    for (const isVerified of [false, true]) {
      if (isVerified) await verify(browser);
      const { text } = await browser.send('GET', path, undefined, agent);
      expect(text).toContain('<html lang="eo" dir="ltr">');
      expect(englishWords(text, username)).toEqual([]);
    }
  });

  it.each([
    ['/dashboard/profile', { username: '@', display_name: '\u200b', time_zone: 'x' }],
    ['/dashboard/security', { current_password: WRONG, new_password: 'short' }],
    ['/dashboard/email', { email: 'no', password: WRONG }],
    ['/dashboard/email', { email: 'new@example.org', password: PASSWORD }],
    ['/dashboard/delete', { email: 'no', password: WRONG }],
  ])('leaves no English word on what a user reads after %s: %j', async (path, fields) => {
    const { browser, username } = await signUpIn(app, newIp());
    const { text } = await submit(app, path, fields, { cookie: browser.cookie, headers: html });
    expect(text).toContain('<html lang="eo" dir="ltr">');
    expect(englishWords(text, username).filter((word) => !['new', 'short'].includes(word))).toEqual([]);
  });

  it('leaves no English word on the page of a user who must choose a new password', async () => {
    const { browser, username } = await signUpIn(app, newIp());
    await inside.db
      .updateTable('users')
      .set({ password_change_required_at: app.clock.now() })
      .where('username', '=', username)
      .execute();
    const { text } = await browser.send('GET', '/dashboard/security', undefined, html);
    expect(text).toContain('class="centered"');
    expect(englishWords(text, username)).toEqual([]);
  });

  const verify = ({ cookie }: Browser) =>
    inside.db
      .updateTable('users')
      .set({ email_verified_at: app.clock.now() })
      .where('id', '=', (db) =>
        db
          .selectFrom('sessions')
          .select('user_id')
          .where('id', '=', JSON.parse(Buffer.from(cookie?.split('.')[1] ?? '', 'base64url').toString()).sid),
      )
      .execute();
});

/** A browser that has a name. */
const agent = {
  ...html,
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
};
const names = ['Usher', 'Firefox', 'Linux', 'UTC', 'example', 'org'];

/**
 * The words of a page that are in Latin letters without accents. Left out are times, which have the words of `Intl`,
 * the names of languages and cities, and the rows of lists, which have tests of their own.
 */
function englishWords(text: string, username = ''): string[] {
  const title = (/<title>([^<]*)/.exec(text)?.[1] ?? '').replace(/&\w+;/g, ' ');
  const body = text
    .slice(text.indexOf('<body'))
    .replace(/<time.*?<\/time>|<option (?!value="").*?<\/option>|<ul class="rows">.*?<\/ul>|&\w+;/gs, ' ');
  const labels = [...body.matchAll(/<(?:\w+)[^>]* (?:aria-label|label|title|placeholder)="([^"]*)"/g)].map(
    ([, label]) => label,
  );
  const words = [title, body.replace(/<[^>]*>/g, ' '), ...labels].join(' ').match(/[A-Za-z]{3,}/g) ?? [];
  return words.filter((word) => !names.includes(word) && !username.startsWith(word));
}
