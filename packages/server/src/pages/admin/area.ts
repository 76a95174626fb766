import type { Area } from '../layout.tsx';

/** The pages of the admin console. */
export const adminArea = {
  label: 'layout.admin',
  items: [
    { href: '/admin', label: 'admin.nav_overview', icon: 'layout-dashboard' },
    { href: '/admin/users', label: 'admin.nav_users', icon: 'users' },
    { href: '/admin/events', label: 'admin.nav_events', icon: 'scroll-text' },
    { href: '/admin/emails', label: 'admin.nav_emails', icon: 'mail' },
    { href: '/admin/keys', label: 'admin.nav_keys', icon: 'key-round' },
    { href: '/admin/health', label: 'admin.health.title', icon: 'activity' },
    { href: '/admin/settings', label: 'admin.nav_settings', icon: 'settings' },
    { href: '/docs', label: 'admin.nav_reference', icon: 'book-open' },
  ],
} as const satisfies Area;
