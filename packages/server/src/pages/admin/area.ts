import type { Area } from '../layout.tsx';

/** The pages of the admin console. */
export const adminArea = {
  isEnglish: true,
  label: 'Admin',
  items: [
    { href: '/admin', label: 'Overview' },
    { href: '/admin/users', label: 'Users' },
    { href: '/admin/events', label: 'Audit log' },
    { href: '/admin/emails', label: 'Emails' },
    { href: '/admin/keys', label: 'Signing keys' },
    { href: '/admin/settings', label: 'Settings' },
    { href: '/dashboard', label: 'Your account' },
  ],
} as const satisfies Area;
