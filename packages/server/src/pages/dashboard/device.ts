import { browserOf } from '../../flows/account/activity.ts';

/** A device in words that its owner knows it by. */
export const deviceOf = (userAgent: string | null): string => browserOf(userAgent ?? '') || 'Unknown device';
