import type { FieldError } from '../errors.ts';
import { Below } from './field.tsx';

/** An option of a list; `language` if its label is in another language than the page. */
export interface Option {
  value: string;
  label: string;
  language?: string;
}

interface SelectFieldProps {
  name: string;
  label: string;
  value: string;
  options: readonly Option[];
  /** More options, each group under its label. */
  groups?: readonly { label: string; options: readonly Option[] }[];
  autocomplete: string;
  errors: FieldError[];
  hint?: string | undefined;
}

/** A labeled list of options with its errors. A value that it does not have is added, so that saving keeps it. */
export function SelectField({ groups = [], ...props }: SelectFieldProps) {
  const { name, label, value, options, autocomplete, errors, hint } = props;
  const all = [...options, ...groups.flatMap((group) => group.options)];
  const others = all.some((one) => one.value === value) ? [] : [{ value, label: value }];
  const isWrong = errors.some(({ field }) => field === name);
  const described = [hint && `${name}-hint`, isWrong && `${name}-error`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select
        id={name}
        name={name}
        autocomplete={autocomplete}
        aria-invalid={isWrong ? 'true' : undefined}
        aria-describedby={described || undefined}
      >
        {[...options, ...others].map((one) => (
          <Choice option={one} chosen={value} />
        ))}
        {groups.map((group) => (
          <optgroup label={group.label}>
            {group.options.map((one) => (
              <Choice option={one} chosen={value} />
            ))}
          </optgroup>
        ))}
      </select>
      <Below name={name} hint={hint} errors={errors} />
    </div>
  );
}

const Choice = ({ option: { value, label, language }, chosen }: { option: Option; chosen: string }) => (
  <option value={value} lang={language} selected={value === chosen}>
    {label}
  </option>
);
