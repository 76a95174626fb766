import { IntlMessageFormat } from 'intl-messageformat';

/** The placeholders of a message. `rich` are tags such as `<link>`. */
export interface Placeholders {
  /** `number` for one that is formatted as a number or decides between plural forms. */
  plain: Map<string, 'any' | 'number'>;
  rich: Set<string>;
  /** The plural forms of each plural that it contains. */
  plurals: string[][];
}

type Ast = ReturnType<IntlMessageFormat['getAst']>;

/** The types of an element of a parsed message. */
const [ARGUMENT, NUMBER, DATE, TIME, SELECT, PLURAL, TAG] = [1, 2, 3, 4, 5, 6, 8];

/** @throws SyntaxError for text that is not an ICU message. */
export function placeholdersOf(language: string, message: string): Placeholders {
  const found: Placeholders = { plain: new Map(), rich: new Set(), plurals: [] };
  const note = (name: string, kind: 'any' | 'number') => {
    if (found.plain.get(name) !== 'number') found.plain.set(name, kind);
  };
  const look = (ast: Ast): void => {
    for (const element of ast) {
      const name = 'value' in element ? String(element.value) : '';
      if (element.type === ARGUMENT || element.type === SELECT) note(name, 'any');
      else if (element.type === NUMBER || element.type === PLURAL) note(name, 'number');
      else if (element.type === DATE || element.type === TIME)
        throw new SyntaxError(`{${name}}: dates and times are formatted before.`);
      else if (element.type === TAG) found.rich.add(name);
      if ('children' in element) look(element.children);
      if ('options' in element) for (const { value } of Object.values(element.options)) look(value);
      if (element.type === PLURAL && 'options' in element) found.plurals.push(Object.keys(element.options));
    }
  };
  look(new IntlMessageFormat(message, language).getAst());
  return found;
}

/** @returns What is wrong with a translation: its syntax, its placeholders, its plural forms. */
export function placeholderFaults(language: string, source: string, translation: string): string[] {
  const wanted = placeholdersOf('en', source);
  let found: Placeholders;
  try {
    found = placeholdersOf(language, translation);
  } catch (error) {
    return [`not a valid ICU message (${(error as Error).message}).`];
  }
  const known = [...wanted.plain.keys(), ...[...wanted.rich].map((tag) => `<${tag}>`)];
  const used = [...found.plain.keys(), ...[...found.rich].map((tag) => `<${tag}>`)];
  return [
    ...used.filter((name) => !known.includes(name)).map((name) => `unknown placeholder ${shown(name)}.`),
    ...known.filter((name) => !used.includes(name)).map((name) => `missing placeholder ${shown(name)}.`),
    ...[...found.plain]
      .filter(([name, kind]) => kind === 'number' && wanted.plain.get(name) === 'any')
      .map(([name]) => `placeholder ${shown(name)} is not a number.`),
    ...found.plurals.flatMap((forms) =>
      pluralForms(language)
        .filter((form) => !forms.includes(form))
        .map((form) => `missing plural form "${form}".`),
    ),
  ];
}

const shown = (name: string): string => (name.startsWith('<') ? name : `{${name}}`);

/** The plural forms that whole numbers below 1000 need in a language. */
function pluralForms(language: string): string[] {
  const rules = new Intl.PluralRules(language);
  return [...new Set(Array.from({ length: 1000 }, (_, number) => rules.select(number)))];
}
