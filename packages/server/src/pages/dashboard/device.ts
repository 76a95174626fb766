import { browserOf } from '../../flows/account/activity.ts';
import type { Translator } from '../../languages/translator.ts';
import type { IconName } from '../icon.tsx';

/** A device, described so that its user recognizes it. */
export const deviceOf = (userAgent: string | null, t: Translator): string =>
  browserOf(userAgent ?? '', t) || t('device.unknown');

/** The name that its user gave to a device, or else its description. */
export const deviceTitle = (
  { name, user_agent }: { name: string | null; user_agent: string | null },
  t: Translator,
): string => name ?? deviceOf(user_agent, t);

/** The icon of a device. */
export function deviceIcon(kind: string, userAgent: string | null): IconName {
  if (kind === 'bearer') return 'terminal';
  // Android browsers on a tablet do not say that they are mobile.
  if (/\biPad\b|\bAndroid\b(?!.*\bMobile\b)/.test(userAgent ?? '')) return 'tablet';
  return /\b(?:iPhone|iPad|iPod|Android|Mobile)\b/.test(userAgent ?? '') ? 'smartphone' : 'laptop';
}
