/**
 * A language for tests of the layout: English with an accent on every letter, and words that are half as long again, as
 * in the longest languages. Placeholders, tags and plural forms stay.
 */
export function stretch(message: string): string {
  let depth = 0;
  return message.replace(/<[^>]*>|[{}]|[a-z]+/gi, (found) => {
    if (found === '{') depth++;
    else if (found === '}') depth--;
    // The odd levels of braces are names of placeholders and plural forms; the even ones are text.
    else if (!found.startsWith('<') && depth % 2 === 0)
      return accented(found + found.slice(0, Math.ceil(found.length / 2)).toLowerCase());
    return found;
  });
}

/** As high as accents are in any language that stacks them. */
const accented = (word: string): string => word.replace(/[a-z]/gi, '$&\u0301').normalize('NFC');
