import type { Area } from '../layout.tsx';

/** The pages of administrators. */
export const console = {
  label: 'Console',
  items: [
    { href: '/admin', label: 'Overview' },
    { href: '/admin/users', label: 'Users' },
    { href: '/admin/events', label: 'Events' },
    { href: '/admin/mails', label: 'Mails' },
    { href: '/admin/keys', label: 'Keys' },
    { href: '/admin/settings', label: 'Settings' },
    { href: '/dashboard', label: 'Your account' },
  ],
} as const satisfies Area;
