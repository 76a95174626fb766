import type { FieldError } from '../errors.ts';

interface FieldProps {
  name: string;
  label: string;
  type?: string;
  value: string;
  autocomplete: string;
  errors: FieldError[];
}

/** A labelled input with what is wrong with it, said beside it and to screen readers. */
export function Field({ name, label, type = 'text', value, autocomplete, errors }: FieldProps) {
  const error = errors.find((one) => one.field === name);
  return (
    <p>
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        type={type}
        value={value}
        autocomplete={autocomplete}
        required
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={error ? `${name}-error` : undefined}
      />
      {error && (
        <span id={`${name}-error`} class="error">
          {error.message}
        </span>
      )}
    </p>
  );
}
