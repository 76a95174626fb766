import type { RichValues, TextValues } from './keys.ts';

/** The key of a message without tags. */
export type TextKey = keyof TextValues;
/** The key of a message without placeholders, which needs no values. */
export type PlainKey = { [K in TextKey]: [TextValues[K]] extends [never] ? K : never }[TextKey];
/** The key of a message with tags, such as a link inside a sentence. */
export type RichKey = keyof RichValues;

/** What a placeholder may stand for. A text inside a text is translated with it. */
export type Value = string | number | Text;

/** The type of what a placeholder stands for. */
export type Filled<Kind> = Kind extends 'number' ? number : Value;

/** The values that a message requires: none, or one for each placeholder. */
export type ValuesOf<K extends TextKey> = [TextValues[K]] extends [never]
  ? []
  : [values: { [Name in keyof TextValues[K]]: Filled<TextValues[K][Name]> }];

/** A message for people in no language yet: code that does not know the reader passes it on to code that does. */
export interface Text {
  readonly key: TextKey;
  readonly values?: Readonly<Record<string, Value>>;
}

/** Names a message of the catalog. A missing or unknown value does not compile. */
export function text<K extends TextKey>(key: K, ...[values]: ValuesOf<K>): Text {
  return values === undefined ? { key } : { key, values };
}
