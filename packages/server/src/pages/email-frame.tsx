import type { RenderedEmail } from '../core/emails/render.ts';
import type { RouteResponse } from '../http/route.ts';
import { allowing } from './layout.tsx';

/** Its reader can follow the links of an email, each in a window of its own; whoever else looks at it cannot. */
type Audience = 'reader' | 'other';

const sandboxes: Record<Audience, string> = {
  reader: 'allow-popups allow-popups-to-escape-sandbox',
  other: '',
};

/** An email in a frame, where nothing in it reaches the page around; and as text. */
export function EmailFrame({ src, text, audience }: { src: string; text: string; audience: Audience }) {
  return (
    <>
      <iframe class="mail" title="Email preview" src={src} sandbox={sandboxes[audience]}></iframe>
      <h2>Plain text</h2>
      <pre>{text}</pre>
    </>
  );
}

/** The page around the frame. */
export const framing = (response: RouteResponse): RouteResponse => allowing(response, "frame-src 'self'");

/** What the email itself may do, in its frame: look as it does. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/** What is in the frame. */
export const emailDocument = ({ html }: Pick<RenderedEmail, 'html'>, audience: Audience): RouteResponse => ({
  status: 200,
  text: html,
  type: 'text/html; charset=utf-8',
  headers: { 'content-security-policy': `${policy} ${sandboxes[audience]}`.trim() },
});
