import type { Area } from '../layout.tsx';

/** The pages of the admin console. */
export const adminArea = {
  isEnglish: true,
  label: 'Admin',
  items: [
    { href: '/admin', label: 'Overview', icon: 'layout-dashboard' },
    { href: '/admin/users', label: 'Users', icon: 'users' },
    { href: '/admin/events', label: 'Audit log', icon: 'scroll-text' },
    { href: '/admin/emails', label: 'Emails', icon: 'mail' },
    { href: '/admin/keys', label: 'Signing keys', icon: 'key-round' },
    { href: '/admin/settings', label: 'Settings', icon: 'settings' },
    { href: '/docs', label: 'API reference', icon: 'book-open' },
  ],
} as const satisfies Area;
