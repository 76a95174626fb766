import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';

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
}

const NONE: FieldError[] = [];

/**
 * Sends the secret of the link that opened this page. It is in the fragment, which browsers send to no server, so that no
 * log on the way has it: `usher.js` sends it from there, and without scripts the link is pasted.
 */
export function LinkForm({ action, label, autofocus }: LinkFormProps) {
  return (
    <Form action={action}>
      <Field name="link" label={label} autocomplete="off" errors={NONE} autofocus={autofocus} />
      <Actions>
        <Button weight={autofocus ? 'primary' : 'plain'}>Open the link</Button>
      </Actions>
    </Form>
  );
}

/** What `LinkForm` asks for, where a mail brought the link. */
export const FROM_EMAIL = 'Paste the link from your email';
