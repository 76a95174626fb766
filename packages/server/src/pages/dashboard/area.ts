import type { Area } from '../layout.tsx';

/** The pages of a user's own account. */
export const account = {
  isEnglish: true,
  label: 'Your account',
  isNarrow: true,
  items: [
    { href: '/dashboard', label: 'Overview', icon: 'layout-dashboard' },
    { href: '/dashboard/profile', label: 'Profile', icon: 'circle-user-round' },
    { href: '/dashboard/security', label: 'Security', icon: 'shield' },
    { href: '/dashboard/sessions', label: 'Devices', icon: 'monitor-smartphone' },
    { href: '/dashboard/activity', label: 'Activity', icon: 'activity' },
    { href: '/dashboard/data', label: 'Data & privacy', icon: 'hard-drive-download' },
  ],
} as const satisfies Area;
