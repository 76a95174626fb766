import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config.ts';
import { emailKinds, sampleValues } from '../../src/core/emails/kinds.ts';
import { emailRenderer, type RenderEmail } from '../../src/core/emails/render.ts';
import { sampleEmails } from '../../src/core/emails/samples.ts';
import { openLanguages } from '../../src/languages/languages.ts';

const URL_OF_USHER = 'https://accounts.example.org';
const languages = openLanguages({ folder: undefined, fallback: 'en' });
const own = { folder: undefined, service: 'Acme & Sons', url: URL_OF_USHER, languages };
const render = emailRenderer(own);
const samples = sampleEmails(render, URL_OF_USHER, Date.parse('2026-03-01T12:00:00Z'));
const values = {
  username: 'ada',
  code: '482913',
  link: `${URL_OF_USHER}/reset-password#token=abc`,
  minutes: '10',
  link_minutes: '60',
  when: '2026-03-01T12:00:00Z',
  ip: '203.0.113.7',
  user_agent:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0',
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});
function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'usher-mails-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Tags and comments, with their attributes: what the document is made of, beside text. */
const tagsOf = (html: string) => html.match(/<[^>]*>/g) ?? [];

describe.each(samples)('the email $kind', ({ email: { subject, text, html } }) => {
  it('loads nothing from anywhere', () => {
    expect(html).not.toMatch(/<(?:img|link|script|iframe|object|embed|video|audio|form|base)\b/i);
    expect(html).not.toMatch(/\bsrc(?:set)?=|\bbackground=|url\(|@import|javascript:|data:|\bon[a-z]+=/i);
    const targets = [...html.matchAll(/(?:href|action)="([^"]*)"/g)].map(([, target]) => target);
    for (const target of targets) expect(target).toMatch(/^https:\/\/accounts\.example\.org(\/|$)/);
  });

  it('tells a screen reader its language, its name, its heading, and which tables are none', () => {
    expect(html).toMatch(/^<!doctype html>\n<html lang="en" dir="ltr">/);
    expect(html).toMatch(/<div role="article" aria-roledescription="email" aria-label="[^"]+" lang="en"/);
    expect(html.match(/<h1/g)).toHaveLength(1);
    for (const table of html.match(/<table[^>]*>/g) ?? []) expect(table).toContain('role="presentation"');
    expect(html).toMatch(/<title>[^<]+<\/title>/);
  });

  it('fits a phone and a wide window, in light and dark', () => {
    expect(html).toContain('name="viewport" content="width=device-width, initial-scale=1"');
    expect(html).toContain('max-width: 600px');
    expect(html).toContain('name="color-scheme" content="light dark"');
    expect(html).toContain('@media (prefers-color-scheme: dark)');
  });

  it('says when it was caused', () => {
    for (const part of [text, html]) expect(part).toContain('March 1, 2026 at 12:00 UTC');
  });

  it('has no placeholder left, and no template or markup in it', () => {
    for (const part of [subject, text, html])
      expect(part).not.toMatch(/\{\{|\}\}|undefined|<template|\*\*|\]\(/);
    expect(text.replace(/\s+/g, ' ')).toContain('at Acme & Sons (https://accounts.example.org)');
    expect(html).toContain('Acme &amp; Sons');
    expect(html).not.toContain('Acme & Sons');
  });

  it('keeps code and link out of what a locked screen shows', () => {
    const [, preview = ''] = /<div style="display: none[^>]*>([^<]*)</.exec(html) ?? [];
    expect(preview).not.toBe('');
    for (const shown of [subject, preview]) {
      expect(shown).not.toContain('482913');
      expect(shown).not.toContain('token');
    }
  });

  it('says the same in both forms', () => {
    const replyText = (part: string) => part.replace(/\s+/g, ' ');
    const decoded = html.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
    const body = replyText(decoded.slice(decoded.indexOf('<h1')).replace(/<[^>]+>/g, ' '));
    for (const sentence of replyText(text.slice(text.indexOf('=\n') + 1)).split(/(?<=[.:]) /))
      if (/^[A-Z][a-z ]+[.]$/.test(sentence)) expect(body).toContain(sentence);
  });
});

describe.each(languages.all.filter((language) => language !== 'en'))('the emails in %s', (language) => {
  const t = languages.in(language);
  const at = Date.parse('2026-03-01T12:00:00Z');
  const translated = sampleEmails(render, URL_OF_USHER, at, language);

  it.each(translated)('$kind: subject, both forms and direction', ({ kind, email }) => {
    const english = samples.find((sample) => sample.kind === kind)?.email;
    expect(email.language).toBe(language);
    expect(email.subject).not.toBe(english?.subject);
    expect(email.html).toMatch(new RegExp(`^<!doctype html>\n<html lang="${language}" dir="${t.dir}">`));
    // Some mail programs ignore styles, the attributes of the document, or both.
    const start = t.dir === 'rtl' ? 'right' : 'left';
    expect(email.html.split(`align="${start}" dir="${t.dir}"`)).toHaveLength(3);
    for (const part of [email.text, email.html]) expect(part).toContain(t.time(at));
    for (const part of [email.subject, email.text, email.html])
      expect(part).not.toMatch(/\{\{|\}\}|undefined|<template|\*\*|\]\(/);
    const sentences = english?.text.match(/[A-Z][a-z’, ]{15,}[.:]/g) ?? [];
    for (const sentence of sentences) expect(email.text).not.toContain(sentence);
    const links = (text = '') => text.match(/https:\/\/[\w./#=-]+/g);
    expect(links(email.text)).toEqual(links(english?.text));
  });
});

describe('values', () => {
  it('shows the link alone where there is no code', () => {
    const { text, html } = render('reset_password', { ...values, code: '' });
    expect(text).toContain(`Reset password:\n${values.link}`);
    expect(text).not.toContain('Enter this code');
    expect(html).not.toContain('class="box digits"');
    expect(render('reset_password', values).html).toContain('class="box digits"');
  });

  it('leaves out from where, when nobody knows', () => {
    const { text, html } = render('reset_password', { ...values, ip: '', user_agent: '' });
    expect(text).not.toMatch(/IP address|Device/);
    expect(html).not.toMatch(/IP address|Device/);
    const half = render('reset_password', { ...values, user_agent: '' });
    expect(half.text).toContain('IP address: 203.0.113.7');
    expect(half.text).not.toContain('Device');
  });

  it('says which browser in words, and none that the sender chose (C17)', () => {
    const browser = (agent: string) =>
      /^Device: (.*)$/m.exec(render('reset_password', { ...values, user_agent: agent }).text)?.[1];
    expect(browser(values.user_agent)).toBe('Edge on Windows');
    expect(
      browser(
        'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile/1 Safari/604',
      ),
    ).toBe('Safari on iOS');
    expect(browser('curl/8.5.0')).toBe('curl');
    expect(browser('Your account is locked, call 555-0100 or open evil.example')).toBeUndefined();
    expect(browser('<a href="https://evil.example">Firefox/1</a>')).toBe('Firefox');
    expect(browser('a'.repeat(100_000))).toBeUndefined();
  });

  it('shows markup as text, in either form', () => {
    const name = `<img src=x onerror="a">'**b** [c](https://d) {{code}} \`e\``;
    const { text, html } = render('new_device', { ...values, username: name, when: '# When' });
    expect(text.replaceAll('\n', ' ')).toContain(name);
    expect(html).toContain('&lt;img src=x onerror=&quot;a&quot;&gt;&#39;**b** [c](https://d) {{code}} `e`');
    expect(html).not.toContain('482913');
    expect(tagsOf(html)).toEqual(tagsOf(render('new_device', { ...values, when: 'now' }).html));
  });

  it('gives mail programs no URL to make a link of (C17)', () => {
    const { text, html, subject } = render('sign_up', { ...values, username: 'www.evil.example' });
    for (const part of [text, html, subject]) expect(part).not.toContain('evil.example');
    expect(text).toContain('www.\u200bevil.\u200bexample');
  });

  it('makes one line of every value, without what cannot be seen, and cuts it at 200', () => {
    const nasty = 'a\r\nBcc: eve@example.net\0\u001b[31m\u202eb\u2028c\u0085d';
    const { text, html } = render('account_deleted', { ...values, username: nasty, when: 'x'.repeat(1_000) });
    expect(text).toContain('account a  Bcc: eve@example.\u200bnet[31mb c');
    for (const part of [text, html]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
      expect(part.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u202e]/);
      expect(part).toContain(`${'x'.repeat(199)}…`);
      expect(part).not.toContain('x'.repeat(200));
    }
  });

  it('cuts no link and no URL', () => {
    const link = `${URL_OF_USHER}/${'l'.repeat(500)}`;
    const new_email = `${'a'.repeat(64)}@${'b.'.repeat(90)}example`;
    const { text } = render('email_changing', { ...values, link, new_email, days: '7', outranked_days: '' });
    expect(text).toContain(link);
    expect(text).toContain(new_email);
  });

  it('writes times in words', () => {
    const time = (when: string) => /^When: (.*)$/m.exec(render('new_device', { ...values, when }).text)?.[1];
    expect(time('2026-03-01T12:00:00.500Z')).toBe('March 1, 2026 at 12:00 UTC');
    expect(time('2026-12-31T00:05:09Z')).toBe('December 31, 2026 at 00:05 UTC');
    expect(time('yesterday')).toBe('yesterday');
  });

  it('writes times in the time zone of the recipient, or in UTC if it is none', () => {
    const time = (time_zone: string) =>
      /^When: (.*)$/m.exec(render('new_device', { ...values, time_zone }).text)?.[1];
    expect(time('Asia/Tokyo')).toBe('March 1, 2026 at 21:00 GMT+9');
    expect(time('Mars/Olympus_Mons')).toBe('March 1, 2026 at 12:00 UTC');
  });

  it('is the same document whatever the values are', () => {
    const shape = new Map(
      emailKinds.map((kind) => [kind, tagsOf(samples.find((one) => one.kind === kind)?.email.html ?? '')]),
    );
    const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }).map((text) => `x${text}`);
    const names = Object.keys(sampleValues(URL_OF_USHER, 0));
    const record = fc.record({
      ...Object.fromEntries(names.map((name) => [name, any])),
      link: any.map((text) => `${URL_OF_USHER}/${text}`),
    });
    const hrefs = /(?<=href=")[^"]*(?=")|(?<=aria-label=")[^"]*(?=")/g;
    fc.assert(
      fc.property(fc.constantFrom(...emailKinds), record, (kind, given) => {
        const { subject, text, html } = render(kind, { ...given, user_agent: 'Firefox/1' });
        const without = (tags: string[] | undefined) => tags?.map((tag) => tag.replace(hrefs, ''));
        expect(without(tagsOf(html))).toEqual(without(shape.get(kind)));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
        expect(`${subject}${text.replaceAll('\n', '')}`).not.toMatch(/[\x00-\x1f\x7f]/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('templates', () => {
  const template = '---\nsubject: Hello {{username}}\npreview: Hello\n---\n# Hi {{username}}\n\n`{{code}}`\n';
  const withFile = (name: string, text: string): (() => RenderEmail) => {
    const folder = folderWith({ [name]: text });
    return () => emailRenderer({ ...own, folder });
  };

  it('are replaced one by one', () => {
    const mine = withFile('en/reset_password.md', template.replaceAll('\n', '\r\n'))();
    expect(mine('reset_password', values)).toMatchObject({
      subject: 'Hello ada',
      text: expect.stringMatching(/^Hi ada\n======\n\n {4}482913\n\n-- \n/),
    });
    expect(mine('sign_up', values)).toEqual(render('sign_up', values));
  });

  it('may have another layout', () => {
    const layout = readFileSync(resolve(import.meta.dirname, '../../emails/layout.html'), 'utf8');
    const mine = withFile('layout.html', layout.replaceAll('#8a2b3a', '#123456'))();
    expect(mine('reset_password', values).html).toContain('#123456');
  });

  it.each([
    [
      'en/reset_password.md',
      template.replace('{{code}}', '{{pin}}'),
      /en\/reset_password\.md: unknown placeholder \{\{pin\}\}\. Available: \{\{username\}\}, \{\{code\}\}/,
    ],
    ['en/password_changed.md', template, /en\/password_changed\.md: unknown placeholder \{\{code\}\}/],
    ['en/reset_password.md', template.replace('{{code}}', '{{code}'), /unclosed placeholder in "\{\{code\}"/],
    ['en/reset_password.md', template.replace('# Hi', '# **Hi'), /unmatched \*\* in/],
    [
      'en/reset_password.md',
      template.replace('preview: Hello\n', ''),
      /en\/reset_password\.md: must start with front matter/,
    ],
    ['en/reset_password.md', 'Hello', /must start with front matter: a line ---/],
    ['en/reset_password.md', template.replace('preview:', 'Preview:'), /expected .*, not "Preview: Hello"/],
    [
      'en/reset_password.md',
      `${template}\n[Go](http://evil.example)`,
      /links must point to .*, not "http:\/\/evil\.example"/,
    ],
    ['en/reset_password.md', `${template}\n[Go](javascript:alert)`, /links must point to/],
    ['en/reset_password.md', `${template}\n[Go](https://{{username}})`, /links must point to/],
    [
      'en/reset_password.md',
      `${template}\n- nothing`,
      /must be written as "- Label: value", not "- nothing"/,
    ],
    [
      'en/reset_password.md',
      `${template}\nGo [here]({{link}}).`,
      /"Go \[here\].*" must be on a line of its own/,
    ],
    ['en/reset_password.md', `${template}\nType \`{{code}}\` now`, /"Type `.*" must be on a line of its own/],
    ['en/footer.md', 'For {{username}}', /en\/footer\.md: unknown placeholder \{\{username\}\}/],
    ['layout.html', '<p>{{content}}</p>', /layout\.html: missing <template id="heading">/],
    ['layout.html', '<p></p>', /layout\.html: missing \{\{content\}\}/],
    ['layout.html', '<p>{{content}}{{code}}</p>', /layout\.html: unknown placeholder \{\{code\}\}/],
  ])('that are wrong stop the start: %s, %j', (name, text, sentence) => {
    const start = withFile(name, text);
    expect(start).toThrow(sentence);
    expect(start).toThrow(ConfigError);
  });

  it('names a folder that is not there', () => {
    expect(() => emailRenderer({ ...own, folder: '/nowhere' })).toThrow(
      'USHER_EMAIL_TEMPLATES: folder /nowhere not found.',
    );
  });

  it('are a file for each email, and no file is for none', () => {
    const folder = resolve(import.meta.dirname, '../../emails');
    const names = readdirSync(join(folder, 'en')).filter((name) => name !== 'footer.md');
    expect(names.sort()).toEqual(emailKinds.map((kind) => `${kind}.md`).sort());
    const copy = folderWith({});
    cpSync(folder, copy, { recursive: true });
    expect(emailRenderer({ ...own, folder: copy })('sign_up', values)).toEqual(render('sign_up', values));
  });
});
