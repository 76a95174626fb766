import type { Answer } from '../edge/route.ts';

/** The one style sheet. */
const STYLE = `:root {
  color-scheme: light dark;
  --ink: light-dark(#1d2327, #e8eaec);
  --quiet: light-dark(#5a646b, #a3adb4);
  --paper: light-dark(#ffffff, #15191c);
  --raised: light-dark(#f4f6f7, #1d2327);
  --line: light-dark(#c9d0d5, #3c454b);
  --accent: light-dark(#8a2b3a, #f0a3ae);
  --error: light-dark(#a61b1b, #ff9d94);
  --mono: ui-monospace, "Cascadia Code", Menlo, Consolas, monospace;
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
.quiet { color: var(--quiet); font-weight: 400; }
.note { font-size: 0.9rem; }
code { font-family: var(--mono); font-size: 0.875em; }
:is(p, pre, a, td) code { overflow-wrap: anywhere; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.8rem 1rem; white-space: pre-wrap; }
table { width: 100%; border-collapse: collapse; margin: 1.25rem 0; font-size: 0.9rem; line-height: 1.45; }
caption { text-align: start; font-weight: 600; padding-bottom: 0.3rem; }
th, td { text-align: start; vertical-align: top; padding: 0.45rem 0.5rem 0.45rem 0; border-bottom: 1px solid var(--line); font-weight: 400; overflow-wrap: break-word; }
:is(th, td):last-child { padding-inline-end: 0; }
thead th { color: var(--quiet); font-size: 0.8rem; }
td p { margin: 0.15rem 0 0; color: var(--quiet); }
iframe.mail { width: 100%; height: 54rem; border: 1px solid var(--line); border-radius: 0.4rem; color-scheme: light dark; }

main:has(.reference) { max-width: 80rem; }
.reference section { margin-top: 3.5rem; }
.reference h2 { font-size: 1.35rem; margin: 0; }
.reference article { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.reference :is(h3, [id]) { scroll-margin-top: 1rem; }
.reference h3 { font-size: 1.15rem; margin: 0; }
.reference :is(h3, nav) a { color: inherit; text-decoration: none; }
.reference :is(h3, nav) a:hover { text-decoration: underline; }
.reference h3:target { box-shadow: -0.35rem 0 var(--paper), -0.6rem 0 var(--accent); }
.method { color: var(--accent); font: 700 0.75em/1 var(--mono); }
.reference nav { font-size: 0.9rem; line-height: 1.4; }
.reference nav h2 { font-size: 1rem; }
.reference nav h3 { font-size: 0.9rem; margin: 1rem 0 0.2rem; }
.reference nav ul { list-style: none; margin: 0; padding: 0; }
.reference nav li a { display: block; padding: 0.2rem 0; }
.skip:not(:focus) { position: absolute; inset-inline-start: -99rem; }
@media (max-width: 24rem) {
  table { font-size: 0.85rem; }
}
@media (min-width: 40rem) {
  .reference table { table-layout: fixed; }
  .fields th:first-child { width: 12.5rem; }
  .fields th:nth-child(2) { width: 5.5rem; }
  .refusals th:first-child { width: 4.5rem; }
  .refusals th:nth-child(2) { width: 13.5rem; }
}
@media (min-width: 64rem) {
  .reference { display: grid; grid-template-columns: 17rem minmax(0, 48rem); column-gap: 3.5rem; }
  .reference nav { grid-area: 1 / 1 / span 2; position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1rem 0.25rem; }
  .reference > :not(nav) { grid-column: 2; }
}
`;

export const styleSheet = (): Answer => ({
  status: 200,
  text: STYLE,
  type: 'text/css; charset=utf-8',
  headers: { 'cache-control': 'public, max-age=3600' },
});
