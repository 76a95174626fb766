import type { Translator } from '../../languages/translator.ts';

/** The first match counts: most browsers also name the ones that they are compatible with. */
const browsers: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOPiOS\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bChrome\/|\bCriOS\/|\bChromium\//, 'Chrome'],
  [/\bVersion\/\S+ (?:Mobile\/\S+ )?Safari\//, 'Safari'],
];

const systems: [RegExp, string][] = [
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMacintosh\b|\bMac OS X\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];

/**
 * Describes a User-Agent in plain words, such as `Firefox on Linux`. The client chooses the header, so an email shows
 * none of its text (attack C17) except a program's name, of letters only. Empty if it is not recognized.
 */
export function browserOf(userAgent: string, t: Translator): string {
  const known = [browsers, systems].map((list) => list.find(([sign]) => sign.test(userAgent))?.[1]);
  const found = known.filter((name) => name !== undefined);
  const [first, second] = found;
  if (first !== undefined)
    return second === undefined ? first : t('device.on', { browser: first, system: second });
  return /^([A-Za-z]{2,20})\//.exec(userAgent)?.[1] ?? '';
}
