import type { Area } from '../layout.tsx';

/** The pages of a user's own account. */
export const account = {
  isEnglish: true,
  label: 'Your account',
  items: [
    { href: '/dashboard', label: 'Overview' },
    { href: '/dashboard/profile', label: 'Profile' },
    { href: '/dashboard/security', label: 'Security' },
    { href: '/dashboard/sessions', label: 'Devices' },
    { href: '/dashboard/activity', label: 'Activity' },
    { href: '/dashboard/data', label: 'Data & privacy' },
  ],
} as const satisfies Area;
