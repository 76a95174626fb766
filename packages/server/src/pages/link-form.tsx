import type { Child } from 'hono/jsx';
import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { Field } from './field.tsx';
import { Actions, Button, Form } from './form.tsx';
import { Card } from './layout.tsx';
import { useTranslator } from './translator.tsx';

/** The form that submits an opened link. Opening a link changes nothing. */
export const linkBody = z.strictObject({ link: z.string() });

/** The token of a link: the part after `#token=`, or the whole text if only the token was pasted. */
export const tokenOf = (link: string): string => /#token=([\w-]*)/.exec(link)?.[1] ?? link.trim();

interface LinkFormProps {
  /** The page that the link leads to. */
  action: string;
  /** Tells the user where to find the link; an email, by default. */
  label?: string;
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
  const t = useTranslator();
  return (
    <Form action={action}>
      <Field
        id={id}
        name="link"
        label={label ?? t('link.paste')}
        autocomplete="off"
        errors={NONE}
        autofocus={autofocus}
      />
      <Actions>
        <Button weight={autofocus ? 'primary' : 'plain'}>{t('action.open_link')}</Button>
      </Actions>
    </Form>
  );
}

interface CodeOrLinkProps {
  /** The page that the link leads to; it also takes the code. */
  action: string;
  title: string;
  lead: string;
  /** The heading above the field for the link. */
  linkTitle?: string;
  /** The form that takes the code. */
  children: Child;
}

/** What a page shows that takes a code from an email, or the link in its place. */
export function CodeOrLink({ action, title, lead, linkTitle, children }: CodeOrLinkProps) {
  const t = useTranslator();
  return (
    <>
      <noscript>
        <Card>
          <p class="lead">{t('link.no_scripts')}</p>
          <LinkForm action={action} id="pasted-link" />
        </Card>
      </noscript>
      <Card>
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        {children}
      </Card>
      {/* With scripts, this form also submits the token of an opened link. */}
      <div class="scripted">
        <Card title={linkTitle ?? t('link.instead')}>
          <LinkForm action={action} />
        </Card>
      </div>
    </>
  );
}
