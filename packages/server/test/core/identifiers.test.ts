import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { looksLikeEmail, mixedScripts, parseEmail, parseUsername } from '../../src/core/identifiers.ts';
import { english } from '../../src/languages/translator.ts';

afterEach(() => vi.restoreAllMocks());

describe('parseEmail accepts', () => {
  it.each([
    [' Abc@gmail.com', 'abc@gmail.com'], // the note's
    ['abc@gmail.com', 'abc@gmail.com'],
    ['\tA.B+tag@Sub.Example.COM \r\n', 'a.b+tag@sub.example.com'],
    ["o'brien!#$%&*+/=?^_`{|}~-@example.org", "o'brien!#$%&*+/=?^_`{|}~-@example.org"],
    [`${'l'.repeat(64)}@example.com`, `${'l'.repeat(64)}@example.com`],
    ['a@Straße.de', 'a@xn--strae-oqa.de'],
    ['a@xn--strae-oqa.de', 'a@xn--strae-oqa.de'],
    ['a@例え.テスト', 'a@xn--r8jz45g.xn--zckzah'],
    ['a@1.example', 'a@1.example'],
  ])('U1: %j as %s', (typed, email) => {
    expect(parseEmail(typed)).toEqual({ ok: true, email, key: email });
  });

  it('U1: NFC, NFD and punycode of a domain as the same email', () => {
    const forms = [
      'a@köln.de'.normalize('NFC'),
      'a@köln.de'.normalize('NFD'),
      'A@KÖLN.de',
      'a@xn--kln-sna.de',
    ];
    expect(new Set(forms.map((form) => JSON.stringify(parseEmail(form)))).size).toBe(1);
  });

  it('W9: fullwidth letters and the Kelvin sign in a domain only as what will be mailed to', () => {
    expect(parseEmail('a@ｅｘａｍｐｌｅ.com')).toMatchObject({ ok: true, email: 'a@example.com' });
    expect(parseEmail('a@\u212Aelvin.com')).toMatchObject({ ok: true, email: 'a@kelvin.com' });
    expect(parseEmail('a@mıke.com')).toMatchObject({ ok: true, email: 'a@xn--mke-jua.com' });
  });
});

describe('parseEmail rejects', () => {
  const control = 'Remove line breaks and control characters.';
  const unseen = 'Remove invisible characters.';
  const plain = 'Use only a–z';
  const cannotExist = 'Check the domain after the @.';
  it.each([
    ['W8', 'victim@example.com,evil@example.net', 'a single email address'],
    ['W8', 'victim@example.com;evil@example.net', 'a single email address'],
    ['W8', 'victim@example.com evil@example.net', 'Remove spaces'],
    ['W8', 'victim@example.com@evil.net', 'one @'],
    ['W9', 'mıke@example.com', plain],
    ['W9', '\u212Aelvin@example.com', plain],
    ['W9', 'ａ@example.com', plain],
    ['W9', 'аdmin@example.com', plain],
    ['W9', 'a＠example.com', 'a plain @ sign'],
    ['W9', 'a﹫example.com', 'a plain @ sign'],
    ['W9', 'a@evil.com＠example.com', 'a plain @ sign'],
    ['W21', 'a@example.com\r\nBcc: evil@example.net', control],
    ['W21', 'a\n@example.com', control],
    ['W21', '<a@example.com>', '< or >'],
    ['W21', 'A <a@example.com>', 'Remove spaces'],
    ['W21', '"a"@example.com', 'quotes'],
    ['W21', '"a@evil x"@example.com', 'Remove spaces'],
    ['W21', 'a(comment)@example.com', 'parentheses'],
    ['W21', '@relay.net:a@example.com', 'one @'],
    ['W21', 'a\\@example.com', 'backslashes'],
    ['W21', '.a@example.com', 'the dots before the @'],
    ['W21', 'a.@example.com', 'the dots before the @'],
    ['W21', 'a..b@example.com', 'the dots before the @'],
    ['W21', 'a:b@example.com', 'unsupported characters before the @'],
    ['W21', 'a[b]@example.com', 'unsupported characters before the @'],
    ['W21', 'a@example.com.', 'the dots in the domain'],
    ['W21', 'a@.example.com', 'the dots in the domain'],
    ['W21', 'a@example..com', 'the dots in the domain'],
    ['W21', 'a@localhost', 'complete domain'],
    ['W21', 'a@[127.0.0.1]', cannotExist],
    ['W21', 'a@127.0.0.1', 'instead of an IP address'],
    ['W21', 'a@0x7f.1', 'instead of an IP address'],
    ['W21', 'a@example.0x1', cannotExist],
    ['W21', 'a@example.com:25', cannotExist],
    ['W21', 'a@example.com/path', cannotExist],
    ['W21', 'a@ex%61mple.com', cannotExist],
    ['W21', 'a@exa_mple.com', cannotExist],
    ['W21', 'a@-example.com', cannotExist],
    ['W21', 'a@example-.com', cannotExist],
    ['W21', `a@${'d'.repeat(64)}.com`, cannotExist],
    ['W21', 'a@example。com', cannotExist],
    ['W21', 'a@example.com／evil', cannotExist],
    ['W21', 'a@ex😀mple.com', cannotExist],
    ['U4', 'a\0@example.com', control],
    ['U4', 'a@example.com\0', control],
    ['U5', 'a@exam\ud800ple.com', unseen],
    ['U1', 'a\u200b@example.com', unseen],
    ['U1', 'a@exam\u200bple.com', unseen],
    ['U1', 'a@exam\u00adple.com', unseen],
    ['U1', '\ufeffa@example.com', unseen],
    ['U1', 'a@exam\u202eple.com', unseen],
    ['U1', 'a@exam\ufe0fple.com', unseen],
    ['U1', 'a@example.com\u00a0', 'Remove spaces'],
    ['U1', 'a@exam\u3000ple.com', 'Remove spaces'],
    ['U14', '', 'Enter an email address.'],
    ['U14', ' \t\r\n', 'Enter an email address.'],
    ['U14', 'a', 'a valid email, like name@example.com'],
    ['U14', '@example.com', 'a name before the @'],
    ['U14', 'a@', 'a domain after the @'],
  ])('%s: %j, and says why', (_, typed, why) => {
    const parsed = parseEmail(typed);
    expect(parsed).toMatchObject({ ok: false, code: expect.stringMatching(/^email_/) });
    expect(!parsed.ok && english(parsed.message)).toContain(why);
    expect(!parsed.ok && english(parsed.message)).toMatch(/^[A-Z].*\.$/);
  });

  it('W21: more than 64 octets before the @, or 254 in all', () => {
    const domain = `${`${'d'.repeat(61)}.`.repeat(4)}com`; // 251 characters
    expect(parseEmail(`ab@${domain}`)).toMatchObject({ ok: true });
    expect(parseEmail(`abc@${domain}`)).toMatchObject({ ok: false, code: 'email_too_long' });
    expect(parseEmail(`${'l'.repeat(65)}@example.com`)).toMatchObject({ ok: false, code: 'email_too_long' });
  });

  it.each([
    ['spaces', ' '.repeat(100_000)],
    ['spaces before an x', `${' '.repeat(100_000)}x`],
    ['dots', `${'.'.repeat(100_000)}@example.com`],
    ['@', '@'.repeat(100_000)],
    ['hyphens in a domain', `a@${'a-'.repeat(50_000)}.com`],
  ])('D8: 100 kB of %s by length, before any pattern reads it', (_, typed) => {
    const exec = vi.spyOn(RegExp.prototype, 'exec');
    const test = vi.spyOn(RegExp.prototype, 'test');
    const replace = vi.spyOn(String.prototype, 'replace');
    const normalize = vi.spyOn(String.prototype, 'normalize');
    const results = [parseEmail(typed), parseUsername(typed)];
    const calls = [exec, test, replace, normalize].map((spy) => spy.mock.calls.length);
    vi.restoreAllMocks();
    expect(calls).toEqual([0, 0, 0, 0]);
    expect(results).toMatchObject([{ code: 'email_too_long' }, { code: 'username_too_long' }]);
  });
});

describe('parseEmail, whatever is typed', () => {
  const typed = fc.oneof(
    fc.emailAddress(),
    fc.string({ unit: 'binary' }),
    fc.tuple(fc.string(), fc.string({ unit: 'grapheme' })).map(([local, domain]) => `${local}@${domain}`),
    fc
      .tuple(fc.stringMatching(/^[a-zA-Z.]{1,9}$/), fc.stringMatching(/^[a-zäßа-яİ一-九.-]{1,20}$/))
      .map(([local, domain]) => `${local}@${domain}.Com`),
  );

  it('U2: canon(canon(x)) = canon(x)', () => {
    fc.assert(
      fc.property(typed, (text) => {
        const once = parseEmail(text);
        if (once.ok) expect(parseEmail(once.email)).toEqual(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('W21, W22: what comes out is one plain lower-case ASCII email of at most 254 characters', () => {
    fc.assert(
      fc.property(typed, (text) => {
        const parsed = parseEmail(text);
        if (!parsed.ok) return;
        expect(parsed.email).toMatch(/^[^\s@<>,;:"()[\]\\A-Z\x7f-\uffff]{1,64}@[a-z0-9.-]+\.[a-z0-9-]+$/);
        expect(parsed.email.length).toBeLessThanOrEqual(254);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseUsername', () => {
  it.each([
    [' ABC', 'ABC', 'abc'], // the note's
    ["  Anna-Maria O. d'Arc_1\r\n", "Anna-Maria O. d'Arc_1", "anna-maria o. d'arc_1"],
    ['E\u0301milie', 'Émilie', 'émilie'],
    ['ＡＢＣ', 'ＡＢＣ', 'abc'],
    ['ﬁona', 'ﬁona', 'fiona'],
    ['Ⅷ', 'Ⅷ', 'viii'],
    ['प्रिया', 'प्रिया', 'प्रिया'],
    ['山田 太郎', '山田 太郎', '山田 太郎'],
    ['7', '7', '7'],
    ['J\u030Canis', 'J\u030Canis', '\u01F0anis'], // composes only in lower case
    ['𝔄'.repeat(64), '𝔄'.repeat(64), 'a'.repeat(64)],
  ])('U1: takes %j as %s, with the key %s', (typed, username, key) => {
    expect(parseUsername(typed)).toEqual({ ok: true, username, key });
  });

  it('U1: case, width, composition and white space at the ends make no other name', () => {
    const forms = ['Zoë', 'ZOË', 'Zoe\u0308', 'Ｚｏë', ' zoë '].map(parseUsername);
    expect(new Set(forms.map((form) => form.ok && form.key))).toEqual(new Set(['zoë']));
  });

  const unseen = 'invisible characters';
  const only = 'only letters, numbers, spaces and';
  it.each([
    ['U14', '', 'Enter a username.'],
    ['U14', ' \n', 'Enter a username.'],
    ['U14', 'n'.repeat(65), '64 characters or fewer'],
    ['U14', 'ﬁ'.repeat(33), '64 characters or fewer'],
    ['U1', 'a@b', 'can’t contain @'],
    ['U1', 'a＠b', only],
    ['U1', 'a\u200bb', unseen],
    ['U1', 'a\u200db', unseen],
    ['U1', '\ufeffab', unseen],
    ['U1', 'a\u202eb', unseen],
    ['U1', 'a\u2066b', unseen],
    ['U1', 'a\u00adb', unseen],
    ['U1', 'a\ufe0fb', unseen],
    ['U1', 'a\u3164b', unseen],
    ['U1', 'a  b', 'single spaces'],
    ['U1', 'a\u00a0b', only],
    ['U1', '\u0301a', 'Start with a letter or number'],
    ['U1', '⑴', only],
    ['U4', 'a\0b', unseen],
    ['U5', 'a\ud800b', unseen],
    ['U5', 'a\uffffb', unseen],
    ['W22', 'a\r\nBcc: b', unseen],
    ['C17', '<b>a</b>', only],
    ['C17', 'http://evil.example', only],
    ['L2', 'a\u001b[31mb', unseen],
    ['L2', 'a\u2028b', only],
  ])('%s: rejects %j, and says why', (_, typed, why) => {
    const parsed = parseUsername(typed);
    expect(parsed).toMatchObject({ ok: false, code: expect.stringMatching(/^username_/) });
    expect(!parsed.ok && english(parsed.message)).toContain(why);
    expect(!parsed.ok && english(parsed.message)).toMatch(/^[A-Z].*[.']$/);
  });

  it('U2: canon(canon(x)) = canon(x), for every character alone and for samples together', () => {
    const kept: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      const parsed = parseUsername(String.fromCodePoint(point));
      if (!parsed.ok) continue;
      kept.push(parsed.username);
      const again = parseUsername(parsed.key);
      if (!again.ok || again.key !== parsed.key) expect.fail(`U+${point.toString(16)} is not stable`);
    }
    expect(kept.length).toBeGreaterThan(100_000);
    const any = fc.nat(kept.length - 1).map((n) => kept[n] ?? '');
    const cased = fc.constantFrom(...kept.filter((character) => character !== character.toLowerCase()));
    const awkward = fc.constantFrom(..."Σσς.'iİıß", '\u0307', '\u0345', 'J', '\u030C');
    fc.assert(
      fc.property(fc.array(fc.oneof(any, cased, awkward), { maxLength: 5 }), (characters) => {
        const once = parseUsername(characters.join(''));
        if (!once.ok) return;
        expect(parseUsername(once.username)).toEqual(once);
        expect(parseUsername(once.key)).toMatchObject({ ok: true, key: once.key });
      }),
      { numRuns: 5000 },
    );
  });

  it('never takes what looks like an email', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (before, after) => {
        const typed = `${before}@${after}`;
        expect(looksLikeEmail(typed)).toBe(true);
        expect(parseUsername(typed).ok).toBe(false);
      }),
    );
  });
});

describe('U1: mixedScripts', () => {
  it.each(['аdmin', 'pаypal', 'αdmin', 'ΑBC', 'Օscar', 'Ꭺnna', 'аΑ'])('marks %s', (name) => {
    expect(mixedScripts(name)).toBe(true);
  });

  it.each(['admin', 'админ', 'Αθήνα', 'Tarō 山田 たろう', '김 Kim', 'x-1_2.3', '', 'Émilie'])(
    'leaves %j',
    (name) => {
      expect(mixedScripts(name)).toBe(false);
    },
  );
});

describe('looksLikeEmail', () => {
  it('goes by the @ alone', () => {
    expect(['a@b', '@', 'Anna', ''].map(looksLikeEmail)).toEqual([true, true, false, false]);
  });
});
