import type { Child } from 'hono/jsx';
import type { Config } from '../config.ts';
import type { FieldError, HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';
import { Icon } from './icon.tsx';
import { Say, useTranslator } from './translator.tsx';

interface FieldProps {
  /** Defaults to the name; needed if a page has two fields of that name. */
  id?: string | undefined;
  name: string;
  label: string;
  type?: string;
  value?: string | undefined;
  /** The `autocomplete` token of the HTML standard, which tells a password manager what the field is. */
  autocomplete: string;
  inputmode?: 'numeric' | undefined;
  maxlength?: number;
  /** The length of a code: a script submits the form when it is complete. */
  digits?: number;
  errors: FieldError[];
  /** Help shown before there is an error. */
  hint?: Child;
  optional?: boolean;
  /** A CSS class for the input. */
  look?: string;
  /** What a password manager must know to generate a password that is accepted. */
  passwordrules?: string | undefined;
  /** Focuses the field when the page opens, unless another field has an error. */
  autofocus?: boolean | undefined;
}

/** A labeled input with its errors, which are also announced to screen readers. */
export function Field(props: FieldProps) {
  return (
    <div class="field">
      <label for={props.id ?? props.name}>{props.label}</label>
      <Input {...props} />
      <Below {...props} />
    </div>
  );
}

interface CheckboxProps {
  name: string;
  label: string;
  checked: boolean;
}

/** A choice, sent as `on` if it is made. */
export function Checkbox({ name, label, checked }: CheckboxProps) {
  return (
    <div class="choice">
      <input id={name} name={name} type="checkbox" checked={checked} />
      <label for={name}>{label}</label>
    </div>
  );
}

interface EmailFieldProps extends Pick<FieldProps, 'value' | 'errors' | 'hint' | 'autofocus'> {
  label?: string | undefined;
  /** `username` where a password for it is asked for beside it: by then it is known. */
  autocomplete?: 'email' | 'username';
}

export function EmailField({ label, autocomplete = 'email', ...props }: EmailFieldProps) {
  const t = useTranslator();
  return (
    <Field
      name="email"
      label={label ?? t('fields.email')}
      type="email"
      autocomplete={autocomplete}
      {...props}
    />
  );
}

/** The username that somebody chooses. */
export function UsernameField(props: Pick<FieldProps, 'value' | 'errors' | 'hint' | 'autofocus'>) {
  const t = useTranslator();
  return <Field name="username" label={t('fields.username')} autocomplete="username" {...props} />;
}

interface PasswordFieldProps extends Omit<FieldProps, 'type' | 'value' | 'inputmode' | 'look'> {
  autocomplete: 'current-password' | 'new-password';
  /** Shown beside the label. */
  aside?: Child;
  /** Whether a new password is chosen: a script then shows its strength while typing, in the server's words. */
  isNew?: boolean;
}

/** A password field. It is never prefilled, can be revealed while typing, and accepts pasted text. */
export function PasswordField({ aside, isNew, ...props }: PasswordFieldProps) {
  const t = useTranslator();
  return (
    <div class="field">
      <div class="label-line">
        <label for={props.name}>{props.label}</label>
        {aside}
      </div>
      <div
        class="revealable"
        data-meter={isNew ? '' : undefined}
        data-show={t('action.show')}
        data-hide={t('action.hide')}
      >
        <Input {...props} type="password" />
        <button type="button" class="reveal" hidden>
          <Icon name="eye" />
          <Icon name="eye-off" />
          <span class="unseen" />
        </button>
      </div>
      <Below {...props} />
    </div>
  );
}

interface NewPasswordFieldProps {
  config: Pick<Config, 'passwordMin'>;
  /** `new_password` beside the current one. */
  name?: 'password' | 'new_password';
  label?: string;
  errors: FieldError[];
  autofocus?: boolean;
}

/** A password that is chosen, with what is asked of it before it is typed. */
export function NewPasswordField({
  config: { passwordMin },
  name = 'password',
  label,
  errors,
  autofocus,
}: NewPasswordFieldProps) {
  const t = useTranslator();
  return (
    <PasswordField
      name={name}
      label={label ?? t('fields.new_password')}
      autocomplete="new-password"
      errors={errors}
      hint={t('fields.password_hint', { minimum: passwordMin })}
      autofocus={autofocus}
      passwordrules={`minlength: ${passwordMin};`}
      isNew
    />
  );
}

/** What is wrong with a form that asks for a password, field by field; a wrong password is said at its field. */
export function passwordErrors(error: HttpError | undefined, field = 'password'): FieldError[] {
  if (error?.code === 'invalid_credentials')
    return [{ field, code: error.code, message: text('password.incorrect') }, ...(error.fields ?? [])];
  return error?.fields ?? [];
}

function Input({ name, id = name, type = 'text', value, hint, errors, ...rest }: FieldProps) {
  const isWrong = errors.some(({ field }) => field === name);
  const described = [hint === undefined ? '' : `${name}-hint`, isWrong ? `${name}-error` : ''].filter(
    Boolean,
  );
  return (
    <input
      id={id}
      name={name}
      type={type}
      class={rest.look}
      value={value}
      autocomplete={rest.autocomplete}
      passwordrules={rest.passwordrules}
      inputmode={rest.inputmode}
      maxlength={rest.maxlength}
      data-digits={rest.digits}
      autocapitalize="none"
      spellcheck={false}
      required={!rest.optional}
      autofocus={isWrong || (errors.length === 0 && rest.autofocus)}
      aria-invalid={isWrong ? 'true' : undefined}
      aria-describedby={described.join(' ') || undefined}
    />
  );
}

/** What is below a field: its error and its hint. */
export function Below({ name, hint, errors }: Pick<FieldProps, 'name' | 'hint' | 'errors'>) {
  const error = errors.find((one) => one.field === name);
  return (
    <>
      {error && (
        <span id={`${name}-error`} class="error">
          <Say of={error.message} />
        </span>
      )}
      {hint !== undefined && (
        <span id={`${name}-hint`} class="hint">
          {hint}
        </span>
      )}
    </>
  );
}
