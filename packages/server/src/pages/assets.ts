import type { Answer } from '../edge/route.ts';

/** The one style sheet. */
const STYLE = `:root {
  color-scheme: light dark;
  --ink: light-dark(#1d2327, #e8eaec);
  --quiet: light-dark(#5a646b, #a3adb4);
  --paper: light-dark(#ffffff, #15191c);
  --line: light-dark(#c9d0d5, #3c454b);
  --accent: light-dark(#8a2b3a, #f0a3ae);
  --error: light-dark(#a61b1b, #ff9d94);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
a { color: var(--accent); }
form { max-width: 24rem; }
label { display: block; font-weight: 600; }
input { width: 100%; font: inherit; color: inherit; background: transparent; padding: 0.5rem 0.65rem; border: 1px solid var(--line); border-radius: 0.4rem; }
button { font: inherit; font-weight: 600; color: var(--paper); background: var(--accent); border: 0; border-radius: 0.4rem; padding: 0.6rem 1.1rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { display: block; color: var(--error); }
`;

export const styleSheet = (): Answer => ({
  status: 200,
  text: STYLE,
  type: 'text/css; charset=utf-8',
  headers: { 'cache-control': 'public, max-age=3600' },
});
