import type { Child } from 'hono/jsx';
import type { Config } from '../config.ts';
import type { FieldError } from '../errors.ts';

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
  errors: FieldError[];
  /** Help shown before there is an error. */
  hint?: Child;
  optional?: boolean;
  /** A CSS class for the input. */
  look?: string;
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

interface PasswordFieldProps extends Omit<FieldProps, 'type' | 'value' | 'inputmode' | 'look'> {
  autocomplete: 'current-password' | 'new-password';
  /** Shown beside the label. */
  aside?: Child;
  /** Whether a new password is chosen: a script then shows its strength while typing, in the server's words. */
  isNew?: boolean;
}

/** A password field. It is never prefilled, can be revealed while typing, and accepts pasted text. */
export function PasswordField({ aside, isNew, ...props }: PasswordFieldProps) {
  return (
    <div class="field">
      <div class="label-line">
        <label for={props.name}>{props.label}</label>
        {aside}
      </div>
      <div class="revealable" data-meter={isNew ? '' : undefined}>
        <Input {...props} type="password" />
      </div>
      <Below {...props} />
    </div>
  );
}

/** The requirements for a new password, shown before it is typed. */
export const passwordHint = ({ passwordMin }: Pick<Config, 'passwordMin'>): string =>
  `At least ${passwordMin} characters. A few unrelated words work well.`;

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
      inputmode={rest.inputmode}
      autocapitalize="none"
      spellcheck={false}
      required={!rest.optional}
      autofocus={isWrong || (errors.length === 0 && rest.autofocus)}
      aria-invalid={isWrong ? 'true' : undefined}
      aria-describedby={described.join(' ') || undefined}
    />
  );
}

function Below({ name, hint, errors }: FieldProps) {
  const error = errors.find((one) => one.field === name);
  return (
    <>
      {error && (
        <span id={`${name}-error`} class="error">
          {error.message}
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
