import type { Child } from 'hono/jsx';
import type { Answer } from '../edge/route.ts';

/** Nothing inline, nothing from elsewhere, no script at all. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

interface Layout {
  title: string;
  children: Child;
}

function Document({ title, children }: Layout) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="stylesheet" href="/assets/usher.css" />
      </head>
      <body>
        <main>{children}</main>
      </body>
    </html>
  );
}

/** A whole page as an answer. */
export function page(status: number, title: string, content: Child): Answer {
  const text = `<!doctype html>${(<Document title={title}>{content}</Document>).toString()}`;
  return {
    status,
    text,
    type: 'text/html; charset=utf-8',
    // With `no-referrer` a browser sends our own forms with `Origin: null`, which is refused.
    headers: { 'content-security-policy': PAGE_POLICY, 'referrer-policy': 'same-origin' },
  };
}
