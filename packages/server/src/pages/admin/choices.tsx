import { Icon } from '../icon.tsx';
import { useTranslator } from '../translator.tsx';

interface ChoicesProps {
  label: string;
  choices: readonly { href: string; label: string; isThis: boolean }[];
}

/** Links to a few views of the same page. */
export function Choices({ label, choices }: ChoicesProps) {
  return (
    <nav class="choices" aria-label={label}>
      {choices.map((choice) => (
        <a class="tab" href={choice.href} aria-current={choice.isThis ? 'true' : undefined}>
          {choice.label}
        </a>
      ))}
    </nav>
  );
}

type Parameters = Readonly<Record<string, string | undefined>>;

/** A path with these query parameters, without the empty ones. */
export function withQuery(path: string, parameters: Parameters): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

interface ChipsProps {
  path: string;
  parameters: Parameters;
  /** The text of each filter by the name of its parameter; those without a value are not shown. */
  labels: Readonly<Record<string, string | undefined>>;
}

/** The filters of a list, each with a link that removes it. */
export function Chips({ path, parameters, labels }: ChipsProps) {
  const t = useTranslator();
  const active = Object.entries(labels).filter(([name, label]) => label && parameters[name]);
  if (active.length === 0) return null;
  const without = (names: string[]) =>
    withQuery(path, { ...parameters, ...Object.fromEntries(names.map((name) => [name, undefined])) });
  return (
    <ul class="chips" aria-label={t('admin.list.filters')}>
      {active.map(([name, label]) => (
        <li>
          <a class="chip" href={without([name])}>
            <span class="unseen">{t('admin.list.remove_filter')} </span>
            {label}
            <Icon name="x" />
          </a>
        </li>
      ))}
      {active.length > 1 && (
        <li>
          <a href={without(active.map(([name]) => name))}>{t('admin.list.clear')}</a>
        </li>
      )}
    </ul>
  );
}

interface NextProps {
  path: string;
  parameters: Parameters;
  /** The start of the next page, if there is one. */
  cursor: string | null;
  /** The texts of the two links. */
  labels?: readonly [first: string, next: string];
}

/** Links to the next and the first page of a long list. */
export function Pages({ path, parameters, cursor, labels }: NextProps) {
  const t = useTranslator();
  const [first, next] = labels ?? [t('admin.list.first'), t('admin.list.next')];
  const { cursor: here, ...others } = parameters;
  if (!here && cursor === null) return null;
  return (
    <p class="pages">
      {here && (
        <a class="button plain small" href={withQuery(path, others)}>
          {first}
        </a>
      )}
      {cursor !== null && (
        <a class="button plain small" href={withQuery(path, { ...others, cursor })}>
          {next}
        </a>
      )}
    </p>
  );
}

interface SelectProps {
  name: string;
  label: string;
  value: string | undefined;
  options: readonly (readonly [value: string, label: string])[];
  error?: string | undefined;
}

/** One of a few values of a filter. */
export function Select({ name, label, value, options, error }: SelectProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select
        id={name}
        name={name}
        aria-invalid={error && 'true'}
        aria-describedby={error && `${name}-error`}
      >
        {options.map(([one, words]) => (
          <option value={one} selected={one === (value ?? '')}>
            {words}
          </option>
        ))}
      </select>
      {error && (
        <span class="error" id={`${name}-error`}>
          {error}
        </span>
      )}
    </div>
  );
}
