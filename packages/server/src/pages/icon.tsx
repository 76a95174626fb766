import { raw } from 'hono/html';
import { icons } from './icons.ts';

export type IconName = keyof typeof icons;

/** An icon beside a text that says the same, so screen readers skip it. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    {raw(icons[name])}
  </svg>
);
