import { randomInt, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { ZxcvbnFactory as Factory } from '@zxcvbn-ts/core';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import {
  checkPolicy,
  couldBePassword,
  generatePassword,
  hashPassword,
  normalisePassword,
  verifyPassword,
} from '../../src/core/passwords.ts';
import { text } from '../../src/languages/text.ts';
import { english } from '../../src/languages/translator.ts';
import { createHasher } from '../../src/platform/hasher.ts';

const require = createRequire(import.meta.url);
const common: string[] = require('@zxcvbn-ts/language-common').dictionary['passwords-common'];
const { ZxcvbnFactory }: { ZxcvbnFactory: typeof Factory } = require('@zxcvbn-ts/core');
const listed = new Set(common);
const hasher = createHasher({ threads: 1, parameters: { memoryKib: 64, passes: 1 } });

const guessable = ['repeats', 'sequence', 'keyboard', 'date', 'word'].map((reason) => `password_${reason}`);

const codeOf = (password: string, about = {}, minimum?: number) =>
  checkPolicy(password, about, minimum)?.code;

afterEach(() => vi.restoreAllMocks());
afterAll(() => hasher.close());

describe('checkPolicy: length', () => {
  it('answers the `1234` of the notes with what a password needs', () => {
    expect(checkPolicy('1234', {})).toEqual({
      field: 'password',
      code: 'password_too_short',
      message: text('password.too_short', { minimum: 8, length: 4 }),
    });
  });

  it('ASVS 6.2.1, 6.2.9: takes 8 to 256 code points, and counts neither units nor bytes', () => {
    expect(codeOf('')).toBe('password_too_short');
    expect(codeOf('🦊🐙🦉🐝🦀🐢🐳')).toBe('password_too_short'); // 14 units, 28 bytes
    expect(codeOf('🦊🐙🦉🐝🦀🐢🐳🦔')).toBeUndefined();
    const emoji = (length: number) =>
      Array.from({ length }, (_, n) => String.fromCodePoint(0x1f400 + ((n * n) % 61))).join('');
    for (const length of [64, 128, 256]) expect(codeOf(emoji(length))).toBeUndefined();
    expect(codeOf(emoji(257))).toBe('password_too_long');
    expect(codeOf('q'.repeat(257))).toBe('password_too_long');
  });

  it('counts after NFC, so that the keyboard makes no difference', () => {
    expect(codeOf('é'.repeat(7).normalize('NFD'))).toBe('password_too_short');
    expect(codeOf(`${'é'.repeat(250)}àüçñöê`.normalize('NFD'))).toBeUndefined();
    expect(codeOf(`${'é'.repeat(250)}àüçñöêî`.normalize('NFD'))).toBe('password_too_long');
  });

  it('follows a higher minimum', () => {
    expect(checkPolicy('j4-kd9-xlw-28', {}, 15)?.message).toEqual(
      text('password.too_short', { minimum: 15, length: 13 }),
    );
    expect(codeOf('j4-kd9-xlw-28-q', {}, 15)).toBeUndefined();
  });

  it.each([
    ['1 MB', 'x'.repeat(1_000_000)],
    ['10,000 emoji', '🦊'.repeat(10_000)],
    ['100 kB of spaces', ' '.repeat(100_000)],
  ])('U14, D8: rejects %s by length, before it is normalised or compared', (_, password) => {
    const normalize = vi.spyOn(String.prototype, 'normalize');
    const replace = vi.spyOn(String.prototype, 'replace');
    const answers = [codeOf(password), couldBePassword(password)];
    const calls = [normalize, replace].map((spy) => spy.mock.calls.length);
    vi.restoreAllMocks(); // `expect` uses them too
    expect(answers).toEqual(['password_too_long', false]);
    expect(calls).toEqual([0, 0]);
  });
});

describe('checkPolicy: characters', () => {
  it.each([
    ['U4: NUL', 'long enough\0 and more'],
    ['U5: half a surrogate pair', 'long enough\ud83d and more'],
    ['U5: a surrogate pair in the wrong order', 'long enough\udc00\ud83d'],
  ])('%s is rejected', (_, password) => {
    expect(codeOf(password)).toBe('password_characters');
  });

  it('ASVS 6.2.5: any other Unicode text of legal length is accepted, if it cannot be guessed', () => {
    const text = fc
      .string({ unit: 'binary', minLength: 8, maxLength: 256 })
      .filter((some) => !some.includes('\0'))
      .filter((some) => [...some.normalize('NFC')].length >= 8 && [...some.normalize('NFC')].length <= 256);
    fc.assert(
      fc.property(text, (password) => {
        fc.pre(!listed.has(password.toLowerCase().replace(/\s/gu, '')));
        const code = codeOf(password);
        if (code !== undefined) expect(guessable).toContain(code);
        expect(couldBePassword(password)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['all lower case', '        x7Kp', '839201746501', '\t\n\r\v\f\u0085\u2028\ufeff'])(
    'ASVS 6.2.5: has no rule of composition: %j is accepted',
    (password) => {
      expect(codeOf(password)).toBeUndefined();
    },
  );
});

describe('checkPolicy: common passwords', () => {
  const long = common.filter((password) => password.length >= 8);
  const samples = Array.from({ length: 200 }, (_, n) => long[Math.floor((n * long.length) / 200)] ?? '');

  it('ASVS 6.2.4: knows at least 10,000 that are long enough', () => {
    expect(long.length).toBeGreaterThan(10_000);
  });

  it('ASVS 6.2.4: rejects 200 samples, in capitals too, and with spaces in or around', () => {
    expect(new Set(samples).size).toBe(200);
    for (const sample of samples) {
      const variants = [sample, sample.toUpperCase(), [...sample].join(' '), ` ${sample}\t`];
      expect(variants.map((password) => codeOf(password))).toEqual(variants.map(() => 'password_common'));
    }
  });

  it('rejects a short one that spaces have made long', () => {
    expect(codeOf('d r a g o n')).toBe('password_common');
  });
});

describe('checkPolicy: passwords that can be guessed', () => {
  it.each([
    ['aaaaaaaa', 'password_repeats', 'repeats the same characters'],
    ['           ', 'password_repeats', 'repeats the same characters'],
    ['abcabcabcabc', 'password_repeats', 'repeats the same characters'],
    ['hunter2hunter2', 'password_repeats', 'repeats the same characters'],
    ['abcdefgh', 'password_sequence', 'counts up or down'],
    ['98765432', 'password_sequence', 'counts up or down'],
    ['qwertzuiop', 'password_keyboard', 'a keyboard pattern'],
    ['zxcvbnm,./', 'password_keyboard', 'a keyboard pattern'],
    ['01/02/1990', 'password_date', 'a date or a year'],
    ['p@ssword', 'password_word', 'with some characters replaced or added'],
    ['Passw0rd!', 'password_word', 'with some characters replaced or added'],
    ['Password1!', 'password_word', 'with some characters replaced or added'],
    ['January2025', 'password_word', 'with some characters replaced or added'],
    ['September2023!', 'password_word', 'with some characters replaced or added'],
    ['Summer2025!', 'password_word', 'with some characters replaced or added'],
    ['Juillet2024', 'password_word', 'with some characters replaced or added'],
  ])('U18: %j is rejected with a reason: %s', (password, code, words) => {
    const fault = checkPolicy(password, {});
    expect(fault).toMatchObject({ field: 'password', code });
    expect(fault && english(fault.message)).toContain(words);
  });

  it('U18: however often it is repeated', () => {
    expect(codeOf('a'.repeat(256))).toBe('password_repeats');
    expect(codeOf('password'.repeat(32))).toBe('password_repeats');
  });

  it('U18: a strong end makes a long password strong', () => {
    expect(codeOf(`${'a'.repeat(60)}x7Kp2mQ9`)).toBeUndefined();
    expect(codeOf(`x7Kp2mQ9${'a'.repeat(60)}`)).toBeUndefined();
  });

  it.each([
    'correct horse battery staple',
    'not the password of anybody',
    'dolphin-trumpet',
    'correct horse',
    'xkqzvbnw',
    'x7Kp2mQ9',
    'mein Hund frisst',
    '🦊🐙🦉🐝🦀🐢🐳🦔',
  ])('U18: %j is accepted', (password) => {
    expect(codeOf(password)).toBeUndefined();
  });

  it('U18: rejects next to no random text and no passphrase of words', () => {
    const { dictionary } = require('@zxcvbn-ts/language-common');
    const words: string[] = dictionary['diceware-common'];
    const random = (from: ArrayLike<string>, count: number, by = '') =>
      Array.from({ length: count }, () => from[randomInt(from.length)]).join(by);
    const lower = 'abcdefghijklmnopqrstuvwxyz';
    const any = `${lower}${lower.toUpperCase()}0123456789!@#$%^&*-_=+.,/?`;
    const texts = Array.from({ length: 150 }, () => [
      random(lower, 8),
      random(any, 8),
      random(any, 14),
      random('0123456789', 12),
      random(words, 3, '-'),
      random(words, 4, ' '),
      randomUUID(),
    ]).flat();
    const refused = texts.filter((text) => text.length >= 8 && codeOf(text) !== undefined);
    expect(refused.length, refused.join('  ')).toBeLessThan(5); // of 1,050; one in ten runs is usual
  });

  it('U18, D8: the matchers see 32 characters at most, and twice at most, whatever comes', () => {
    const check = vi.spyOn(ZxcvbnFactory.prototype, 'check');
    const began = process.cpuUsage();
    const costly = [
      '@4!1$5|0+7(<{[3',
      'p@$$w0rd1!|',
      '1',
      '1990',
      'password',
      'ab',
      '/\\/\\|\\|()',
      'aA',
      'qwerty',
      ' ',
    ];
    for (const part of costly) {
      check.mockClear();
      codeOf(part.repeat(256).slice(0, 256));
      expect(check.mock.calls.length).toBeLessThanOrEqual(2);
      for (const [text] of check.mock.calls) expect(text.length).toBeLessThanOrEqual(32);
    }
    // Each of them takes up to two seconds of a processor when the matchers see all of it.
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(5);
  });
});

describe('checkPolicy: the own name', () => {
  const about = { username: 'Zyx.Vut', email: 'mrs.grønkål@example.com', service: 'Usher' };

  it.each([
    'zyx.vut1990',
    'ZYX.VUT!',
    '2024zyxvut',
    'Zyx Vut 42',
    '!!zyx_vut!!',
    'zyx.vutzyx.vut',
    'mrs.grønkål',
    'MRSGRØNKÅL77',
    'mrs.grønkål@example.com',
    '1mrs.grønkål@EXAMPLE.com!',
    'usher123',
    'Usher2026!',
    '#usher#usher#',
    'ｕｓｈｅｒ１２３',
  ])('ASVS 6.2.11: %s is rejected', (password) => {
    expect(codeOf(password, about)).toBe('password_personal');
  });

  it('knows a name by its letters, without the digits around it', () => {
    expect(codeOf('gertrude#77', { username: 'gertrude1984' })).toBe('password_personal');
    expect(codeOf('19840229!', { username: '19840229' })).toBe('password_personal');
    expect(codeOf('STRASSE 99', { username: 'straße' })).toBe('password_personal');
  });

  it.each(['zyx.vut and a dog', 'my usher is late', 'grønkål pie 77', 'zyx🦊🐙🦉🐝vut'])(
    'a password that only contains it, such as %s, is accepted',
    (password) => {
      expect(codeOf(password, about)).toBeUndefined();
    },
  );

  it('names of one or two characters, or none, reject nothing', () => {
    for (const username of ['', 'a', '1', 'é!', '...']) {
      expect(codeOf('83920174650192837465a', { username, email: '', service: '' })).toBeUndefined();
    }
  });

  it('is rejected with any digits and punctuation around it', () => {
    const filler = fc.string({ unit: fc.constantFrom(...'0123456789!-_.#*/ $+'), maxLength: 40 });
    fc.assert(
      fc.property(filler, filler, (before, after) => {
        expect(codeOf(`${before}gertrudeb${after}`, { username: 'GertrudeB' })).toBe('password_personal');
      }),
    );
  });
});

describe('couldBePassword', () => {
  it('U14: is false for nothing, for more than 1,024 bytes, and for what is not text', () => {
    expect(couldBePassword('')).toBe(false);
    expect(couldBePassword('x'.repeat(1024))).toBe(true);
    expect(couldBePassword('x'.repeat(1025))).toBe(false);
    expect(couldBePassword('é'.repeat(513))).toBe(false);
    expect(couldBePassword('x\ud800')).toBe(false);
  });

  it('U6: does not depend on the form: what may be set in NFC may be typed in NFD', () => {
    const longest = 'ᾂ'.repeat(256); // U+1F82: four code points each in NFD
    expect(codeOf(longest)).not.toBe('password_too_long');
    expect(couldBePassword(longest.normalize('NFD'))).toBe(true);
  });
});

describe('verifyPassword', () => {
  it('U6: NFC and NFD of the same text both verify, whichever was set', async () => {
    const [nfc, nfd] = ['Ünïcödé-Ångström'.normalize('NFC'), 'Ünïcödé-Ångström'.normalize('NFD')];
    expect(nfc).not.toBe(nfd);
    expect(normalisePassword(nfd)).toBe(nfc);
    for (const set of [nfc, nfd]) {
      const stored = await hashPassword(hasher, set, 'background');
      for (const typed of [nfc, nfd])
        expect(await verifyPassword(hasher, stored, typed, 'background')).toBe(true);
    }
  });

  it('ASVS 6.2.8: folds no case, trims nothing, cuts nothing', async () => {
    const set = `${'k'.repeat(199)}Z${'🦊'.repeat(56)}`;
    const stored = await hashPassword(hasher, set, 'background');
    const others = [set.replace('Z', 'z'), set.replace('Z', 'Y'), `${set} `, ` ${set}`, set.slice(0, -2)];
    others.push(`${set.slice(0, 72)}K${set.slice(73)}`, `${set.slice(0, 72)}`);
    for (const other of others) expect(await verifyPassword(hasher, stored, other, 'background')).toBe(false);
    expect(await verifyPassword(hasher, stored, set, 'background')).toBe(true);
  });

  it('E2, E4: without a stored hash does the work of one verification, and answers false', async () => {
    const verify = vi.spyOn(hasher, 'verify');
    expect(await verifyPassword(hasher, undefined, 'correct horse', 'background')).toBe(false);
    expect(verify.mock.calls).toEqual([[hasher.dummy, 'correct horse', 'background']]);
    const stored = await hashPassword(hasher, 'correct horse', 'background');
    expect(await verifyPassword(hasher, stored, 'wrong horse', 'background')).toBe(false);
    expect(verify).toHaveBeenCalledTimes(2);
  });

  it('E2, E4: without a stored hash answers false even if the work says true', async () => {
    const yes = { ...hasher, verify: async () => true };
    expect(await verifyPassword(yes, undefined, 'correct horse', 'background')).toBe(false);
    expect(await verifyPassword(yes, hasher.dummy, 'correct horse', 'background')).toBe(true);
  });

  it('U14: does no work for what cannot be a password, be there a hash or not', async () => {
    const stored = await hashPassword(hasher, 'correct horse', 'background');
    const verify = vi.spyOn(hasher, 'verify');
    for (const impossible of ['', 'x'.repeat(1025), 'x\udfff', '🦊'.repeat(10_000)]) {
      expect(await verifyPassword(hasher, stored, impossible, 'background')).toBe(false);
      expect(await verifyPassword(hasher, undefined, impossible, 'background')).toBe(false);
      await expect(hashPassword(hasher, impossible, 'background')).rejects.toThrow(RangeError);
    }
    expect(verify).not.toHaveBeenCalled();
  });

  it('U5: text that is not well-formed does not pass for its replacement', async () => {
    const stored = await hashPassword(hasher, 'secret word \ufffd', 'background');
    expect(await verifyPassword(hasher, stored, 'secret word \ud800', 'background')).toBe(false);
  });
});

describe('generatePassword', () => {
  const made = Array.from({ length: 2000 }, generatePassword);

  it('makes five groups of four characters that are not taken for each other', () => {
    for (const password of made) expect(password).toMatch(/^(?:[a-km-np-z2-9]{4}-){4}[a-km-np-z2-9]{4}$/);
  });

  it('passes our own policy, and never comes twice', () => {
    expect(made.slice(0, 100).filter((password) => checkPolicy(password, {}))).toEqual([]);
    expect(new Set(made).size).toBe(made.length);
  });

  it('uses 32 characters equally often: 100 bits', () => {
    const counts = new Map<string, number>();
    for (const character of made.join('').replaceAll('-', '')) {
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    const expected = (made.length * 20) / 32;
    const deviation = [...counts.values()].reduce(
      (sum, count) => sum + (count - expected) ** 2 / expected,
      0,
    );
    expect(counts.size).toBe(32);
    expect(deviation).toBeLessThan(90); // chi-squared, 31 degrees of freedom: exceeded once in ten million runs
  });
});
