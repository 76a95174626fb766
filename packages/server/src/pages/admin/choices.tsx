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

/** A path with these query parameters, without the empty ones. */
export function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

interface NextProps {
  path: string;
  parameters: Record<string, string | undefined>;
  /** The start of the next page, if there is one. */
  cursor: string | null;
  /** The texts of the two links. */
  labels?: readonly [first: string, next: string];
}

/** Links to the next and the first page of a long list. */
export function Pages({
  path,
  parameters,
  cursor,
  labels: [first, next] = ['First page', 'Next'],
}: NextProps) {
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
