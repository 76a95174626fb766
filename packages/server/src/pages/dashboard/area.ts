import type { Area } from '../layout.tsx';

/** The pages of a user's own account. */
export const account = {
  label: 'setup.account',
  isNarrow: true,
  items: [
    { href: '/dashboard', label: 'account.nav_overview', icon: 'layout-dashboard' },
    { href: '/dashboard/profile', label: 'account.nav_profile', icon: 'circle-user-round' },
    { href: '/dashboard/security', label: 'account.nav_security', icon: 'shield' },
    { href: '/dashboard/sessions', label: 'account.nav_devices', icon: 'monitor-smartphone' },
    { href: '/dashboard/activity', label: 'account.nav_activity', icon: 'activity' },
    { href: '/dashboard/data', label: 'account.nav_data', icon: 'hard-drive-download' },
  ],
} as const satisfies Area;
