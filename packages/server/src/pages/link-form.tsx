import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card } from './layout.tsx';

/** A link that somebody opened. Opening it changes nothing. */
export const linkBody = z.strictObject({ link: z.string() });

/** The secret of a link: what is behind its `#token=`, or the whole text if somebody pasted that alone. */
export const tokenOf = (link: string): string => /#token=([\w-]*)/.exec(link)?.[1] ?? link.trim();

interface LinkFormProps {
  /** The page that the link leads to. */
  action: string;
  /** Where the link is found. */
  label: string;
  autofocus?: boolean;
  /** The id of its field, where a page has two of these. */
  id?: string;
}

const NONE: FieldError[] = [];

/**
 * Sends the secret of the link that opened this page. It is in the fragment, which browsers send to no server, so that no
 * log on the way has it: `usher.js` sends it from there, and without scripts the link is pasted.
 */
export function LinkForm({ action, label, autofocus, id }: LinkFormProps) {
  return (
    <Form action={action}>
      <Field id={id} name="link" label={label} autocomplete="off" errors={NONE} autofocus={autofocus} />
      <Actions>
        <Button weight={autofocus ? 'primary' : 'plain'}>Open link</Button>
      </Actions>
    </Form>
  );
}

/** For whoever opened a link in a browser without scripts, where the page cannot read its secret. */
export const PasteWithoutScripts = ({ action }: Pick<LinkFormProps, 'action'>) => (
  <noscript>
    <Card>
      <p class="lead">
        JavaScript is off in your browser, so the link couldn’t open on its own. Paste it here.
      </p>
      <LinkForm action={action} label={FROM_EMAIL} id="pasted-link" />
    </Card>
  </noscript>
);

/** The same form in a browser with scripts, which may also send the secret of a link that was opened. */
export const PasteWithScripts = ({ action }: Pick<LinkFormProps, 'action'>) => (
  <div class="scripted">
    <Card title="Use the link instead">
      <LinkForm action={action} label={FROM_EMAIL} />
    </Card>
  </div>
);

/** What `LinkForm` asks for, where an email brought the link. */
export const FROM_EMAIL = 'Paste the link from your email';
