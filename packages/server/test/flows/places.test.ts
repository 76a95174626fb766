import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { configFromOptions } from '../../src/config.ts';
import { placesFrom } from '../../src/core/places.ts';
import { openLanguages } from '../../src/languages/languages.ts';
import { checkConfig } from '../../src/open-context.ts';
import { openGeoip } from '../../src/platform/geoip.ts';
import { Browser, NEW_PASSWORD, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { writeMmdb } from '../support/mmdb.ts';
import { withApp, withInbox } from '../support/with-app.ts';

const folder = mkdtempSync(join(tmpdir(), 'usher-places-'));
afterAll(() => rmSync(folder, { recursive: true }));
/** @returns The path of a file with these bytes. */
function fileWith(name: string, bytes: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const austria = { iso_code: 'AT', names: { en: 'Austria', de: 'Österreich', 'zh-CN': '奥地利' } };
const vienna = { city: { names: { en: 'Vienna', de: 'Wien', 'zh-CN': '维也纳' } }, country: austria };
const bytes = writeMmdb({
  '192.0.2.0/24': vienna,
  '198.51.100.0/25': { country: austria },
  '203.0.113.0/24': { city: { names: { en: '<b>Nowhere</b>' } } },
});
const file = fileWith('city.mmdb', bytes);
const languages = openLanguages({ folder: undefined, fallback: 'en' });

describe('the place of an IP address', () => {
  const place = placesFrom(openGeoip(file));
  const placeIn = (ip: string, language = 'en') => place(ip, languages.in(language));

  it('is a city and its country, or a country, in the language of the reader', () => {
    expect(placeIn('192.0.2.1')).toBe('Vienna, Austria');
    expect(placeIn('192.0.2.255', 'de')).toBe('Wien, Österreich');
    expect(placeIn('198.51.100.127')).toBe('Austria');
    // Without a name in this language, a country has the one that the platform knows.
    const nl = openLanguages({ folder: dutch(), fallback: 'en' }).in('nl');
    expect(place('192.0.2.1', nl)).toBe('Vienna, Oostenrijk');
  });

  it('is not known outside of the database, and of no text that is not an address', () => {
    for (const ip of ['198.51.100.128', '8.8.8.8', '2001:db8::1', '::ffff:192.0.2.1', '', 'unknown'])
      expect([ip, placeIn(ip)]).toEqual([ip, '']);
    expect(placesFrom(undefined)('192.0.2.1', languages.in('en'))).toBe('');
  });

  it('is not known if its name is no line of text', () => {
    const damaged = [
      { city: 'Vienna', country: 5 },
      { city: { names: 5 }, country: { names: ['Austria'], iso_code: ['AT'] } },
      { city: { names: { en: { en: 'Vienna' } } } },
      { city: { names: { en: 5 } } },
      { city: { names: { en: 'Vienna\r\nOwner: you' } } },
      { city: { names: { en: 'Vienna\u202e' } } },
      { city: { names: { en: 'V'.repeat(201) } } },
    ];
    for (const [index, entry] of damaged.entries()) {
      const found = openGeoip(fileWith(`damaged-${index}.mmdb`, writeMmdb({ '192.0.2.0/24': entry })));
      expect([entry, placesFrom(found)('192.0.2.1', languages.in('en'))]).toEqual([entry, '']);
    }
  });

  it('is found in Chinese by the script, whatever the country of the tag', () => {
    const own = mkdtempSync(join(folder, 'own-'));
    writeFileSync(join(own, 'zh-Hans.json'), '{}');
    const chinese = openLanguages({ folder: own, fallback: 'en' }).in('zh-Hans');
    expect(place('192.0.2.1', chinese)).toBe('维也纳，奥地利');
  });

  function dutch(): string {
    const own = mkdtempSync(join(folder, 'own-'));
    writeFileSync(join(own, 'nl.json'), '{}');
    return own;
  }
});

describe('a database of places that is wrong', () => {
  it.each([
    ['missing', join(folder, 'missing.mmdb'), 'cannot be read (ENOENT).'],
    ['empty', fileWith('empty.mmdb', ''), 'not a database in MaxMind’s format (.mmdb).'],
    ['a text', fileWith('text.mmdb', 'Vienna'), 'not a database in MaxMind’s format (.mmdb).'],
    ['cut off', fileWith('cut.mmdb', bytes.subarray(0, -50)), 'not a database in MaxMind’s format (.mmdb).'],
    [
      'of networks',
      fileWith('asn.mmdb', writeMmdb({ '192.0.2.0/24': {} }, 'GeoLite2-ASN')),
      'a database of type GeoLite2-ASN; Usher needs one of cities or countries.',
    ],
  ])('stops the start: %s', async (_name, path, why) => {
    const message = `USHER_GEOIP (--geoip): ${path}: ${why}`;
    expect(() => openGeoip(path)).toThrow(message);
    await expect(checkConfig(configFromOptions({ geoip: path }))).rejects.toThrow(message);
  });

  it('of damaged entries has no places for them', () => {
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, damaged.indexOf('Vienna') - 12, damaged.indexOf('Vienna') + 40);
    const place = placesFrom(openGeoip(fileWith('damaged.mmdb', damaged)));
    expect(place('192.0.2.1', languages.in('en'))).not.toContain('Vienna');
  });
});

describe('an installation with a database of places', () => {
  const inbox = withInbox();
  const { app } = withApp(undefined, () => ({ ...inbox.settings, geoip: file }));

  it('names the place on the pages and in security notices, in the reader’s language', async () => {
    const names = newIdentifiers();
    const browser = new Browser(app, '192.0.2.7');
    await browser.post('/v1/signup', names);
    const page = async (path: string, language: string) => {
      const headers = { cookie: `usher=${browser.cookie}`, accept: 'text/html', 'accept-language': language };
      return (await send(app, 'GET', path, undefined, { headers })).text;
    };
    expect(await page('/dashboard/sessions', 'en')).toContain('IP 192.0.2.7 · near Vienna, Austria');
    expect(await page('/dashboard/sessions', 'de')).toContain('IP 192.0.2.7 · Raum Wien, Österreich');
    expect(await page('/dashboard/activity', 'en')).toContain('192.0.2.7 · near Vienna, Austria');
    const change = { current_password: PASSWORD, new_password: NEW_PASSWORD };
    expect((await browser.send('PUT', '/v1/me/password', change)).status).toBe(200);
    const verification = await inbox.next(names.email);
    expect(verification.text).toContain('192.0.2.7 (near Vienna, Austria)');
    const notice = await inbox.next(names.email);
    expect(notice.text).toContain('192.0.2.7 (near Vienna, Austria)');
  });

  it('shows no place where none is known, and no markup of the file', async () => {
    for (const [ip, text] of [
      ['198.51.100.200', 'IP 198.51.100.200<'],
      ['203.0.113.9', 'IP 203.0.113.9 · near &lt;b&gt;Nowhere&lt;/b&gt;'],
    ] as const) {
      const { browser } = await signUp(app, ip);
      const headers = { cookie: `usher=${browser.cookie}`, accept: 'text/html' };
      const { text: page } = await send(app, 'GET', '/dashboard/sessions', undefined, { headers });
      expect(page).toContain(text);
      expect(page).not.toContain('<b>Nowhere');
    }
  });
});
