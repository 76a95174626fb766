import type { AppContext } from '../context.ts';
import type { FieldError } from '../errors.ts';
import { NewPasswordField } from './field.tsx';
import { Actions, Button, Form, FormErrors } from './form.tsx';
import { Card } from './layout.tsx';

interface SetPasswordByLinkProps {
  context: AppContext;
  /** The page that the link leads to. */
  action: string;
  token: string;
  title: string;
  lead: string;
  button: string;
  errors: FieldError[];
}

/** The form behind a link that sets a new password. */
export const SetPasswordByLink = ({
  context,
  action,
  token,
  title,
  lead,
  button,
  errors,
}: SetPasswordByLinkProps) => (
  <Card>
    <h1>{title}</h1>
    <p class="lead">{lead}</p>
    <FormErrors errors={errors} shown={['password']} />
    <Form action={action} hidden={{ token }}>
      <NewPasswordField config={context.config} errors={errors} autofocus />
      <Actions>
        <Button>{button}</Button>
      </Actions>
    </Form>
  </Card>
);
