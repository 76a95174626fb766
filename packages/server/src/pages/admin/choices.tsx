interface ChoicesProps {
  label: string;
  choices: readonly { href: string; label: string; isThis: boolean }[];
}

/** One of a few views of the same page. */
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

/** An address with these parameters; what is not given is left out. */
export function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

interface NextProps {
  path: string;
  parameters: Record<string, string | undefined>;
  /** Where the next page begins, if there is one. */
  cursor: string | null;
  /** What the two links say. */
  labels?: readonly [first: string, next: string];
}

/** The way through a long list: on, and back to its beginning. */
export function Pages({
  path,
  parameters,
  cursor,
  labels: [first, next] = ['To the first page', 'Next page'],
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
