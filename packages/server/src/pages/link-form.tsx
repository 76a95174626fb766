import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card } from './layout.tsx';

/** The form that submits an opened link. Opening a link changes nothing. */
export const linkBody = z.strictObject({ link: z.string() });

/** The token of a link: the part after `#token=`, or the whole text if only the token was pasted. */
export const tokenOf = (link: string): string => /#token=([\w-]*)/.exec(link)?.[1] ?? link.trim();

interface LinkFormProps {
  /** The page that the link leads to. */
  action: string;
  /** Tells the user where to find the link. */
  label: string;
  autofocus?: boolean;
  /** The ID of the field, if a page has two of them. */
  id?: string;
}

const NONE: FieldError[] = [];

/**
 * Submits the token of the link that opened this page. The token is in the fragment, which browsers send to no server,
 * so no log on the way contains it: `usher.js` submits it, and without scripts the user pastes the link.
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

/** For a link opened in a browser without scripts, where the page cannot read its token. */
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

/** The same form in a browser with scripts, which can also submit the token of an opened link. */
export const PasteWithScripts = ({
  action,
  title = 'Use the link instead',
}: Pick<LinkFormProps, 'action'> & { title?: string }) => (
  <div class="scripted">
    <Card title={title}>
      <LinkForm action={action} label={FROM_EMAIL} />
    </Card>
  </div>
);

/** The label of `LinkForm` for a link from an email. */
export const FROM_EMAIL = 'Paste the link from your email';
