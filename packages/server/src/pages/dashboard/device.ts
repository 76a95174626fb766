import { browserOf } from '../../flows/account/activity.ts';
import type { Translator } from '../../languages/translator.ts';
import type { IconName } from '../icon.tsx';

/** A device, described so that its user recognizes it. */
export const deviceOf = (userAgent: string | null, t: Translator): string =>
  browserOf(userAgent ?? '', t) || t('device.unknown');

/** The icon of a device. */
export function deviceIcon(kind: string, userAgent: string | null): IconName {
  if (kind === 'bearer') return 'terminal';
  return /\b(?:iPhone|iPad|iPod|Android|Mobile)\b/.test(userAgent ?? '') ? 'smartphone' : 'laptop';
}
