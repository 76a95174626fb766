import type { RenderedEmail } from '../core/emails/render.ts';
import type { RouteResponse } from '../http/route.ts';
import { withPolicyDirective } from './layout.tsx';

/** The recipient can follow the links of an email, each in a new window; other viewers cannot. */
type Audience = 'reader' | 'other';

const sandboxes: Record<Audience, string> = {
  reader: 'allow-popups allow-popups-to-escape-sandbox',
  other: '',
};

/** An email as HTML in a sandboxed frame, isolated from the page, and as text. */
export function EmailFrame({ src, text, audience }: { src: string; text: string; audience: Audience }) {
  return (
    <>
      <iframe class="email" title="Email preview" src={src} sandbox={sandboxes[audience]}></iframe>
      <h2>Plain text</h2>
      <pre>{text}</pre>
    </>
  );
}

/** Allows the page to contain the frame. */
export const allowFrame = (response: RouteResponse): RouteResponse =>
  withPolicyDirective(response, "frame-src 'self'");

/** The policy inside the frame: styles only. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/** The document inside the frame. */
export const emailDocument = ({ html }: Pick<RenderedEmail, 'html'>, audience: Audience): RouteResponse => ({
  status: 200,
  text: html,
  type: 'text/html; charset=utf-8',
  headers: { 'content-security-policy': `${policy} ${sandboxes[audience]}`.trim() },
});
