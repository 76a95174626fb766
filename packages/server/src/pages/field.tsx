import type { Child } from 'hono/jsx';
import type { FieldError } from '../errors.ts';

interface FieldProps {
  name: string;
  label: string;
  type?: string;
  value?: string;
  /** The token of the HTML standard that tells a password manager what this is. */
  autocomplete: string;
  errors: FieldError[];
  /** What helps before anything is wrong. */
  hint?: Child;
  optional?: boolean;
  readonly?: boolean;
  /** Where the cursor is when the page opens: in the first field that is to be filled in. */
  autofocus?: boolean;
}

/** A labelled input with what is wrong with it, said beside it and to screen readers. */
export function Field({ name, label, type = 'text', value = '', hint, errors, ...rest }: FieldProps) {
  const error = errors.find((one) => one.field === name);
  const described = [hint === undefined ? '' : `${name}-hint`, error ? `${name}-error` : ''].filter(Boolean);
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        type={type}
        value={value}
        autocomplete={rest.autocomplete}
        autocapitalize="none"
        spellcheck={false}
        required={!rest.optional}
        readonly={rest.readonly}
        autofocus={rest.autofocus}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={described.join(' ') || undefined}
      />
      {hint !== undefined && (
        <span id={`${name}-hint`} class="hint">
          {hint}
        </span>
      )}
      {error && (
        <span id={`${name}-error`} class="error">
          {error.message}
        </span>
      )}
    </div>
  );
}
