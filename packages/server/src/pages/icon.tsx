import { raw } from 'hono/html';
import { icons } from './icons.ts';

export type IconName = keyof typeof icons;

/** Icons that point to where the text goes on: mirrored on a page that is written from right to left. */
const POINTING: ReadonlySet<IconName> = new Set(['chevron-right', 'log-out']);

/** An icon beside a text that says the same, so screen readers skip it. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg
    class={POINTING.has(name) ? 'icon mirrored' : 'icon'}
    viewBox="0 0 24 24"
    aria-hidden="true"
    focusable="false"
  >
    {raw(icons[name])}
  </svg>
);
