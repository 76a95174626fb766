import type { RenderedMail } from '../core/mails/render.ts';
import type { Answer } from '../edge/route.ts';
import { allowing } from './layout.tsx';

/** Its reader can follow the links of a mail, each in a window of its own; whoever else looks at it cannot. */
type Who = 'reader' | 'other';

const sandboxes: Record<Who, string> = {
  reader: 'allow-popups allow-popups-to-escape-sandbox',
  other: '',
};

/** A mail in a frame, where nothing in it reaches the page around; and as text. */
export function MailFrame({ src, text, who }: { src: string; text: string; who: Who }) {
  return (
    <>
      <iframe class="mail" title="Email preview" src={src} sandbox={sandboxes[who]}></iframe>
      <h2>Plain text</h2>
      <pre>{text}</pre>
    </>
  );
}

/** The page around the frame. */
export const framing = (answer: Answer): Answer => allowing(answer, "frame-src 'self'");

/** What the mail itself may do, in its frame: look as it does. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/** What is in the frame. */
export const mailDocument = ({ html }: Pick<RenderedMail, 'html'>, who: Who): Answer => ({
  status: 200,
  text: html,
  type: 'text/html; charset=utf-8',
  headers: { 'content-security-policy': `${policy} ${sandboxes[who]}`.trim() },
});
