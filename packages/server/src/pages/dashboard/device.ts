import { browserOf } from '../../flows/account/activity.ts';
import { english } from '../../languages/translator.ts';

/** A device, described so that its user recognizes it. */
export const deviceOf = (userAgent: string | null): string =>
  browserOf(userAgent ?? '', english) || 'Unknown device';
