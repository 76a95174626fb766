/** Puts an accent on every letter outside of placeholders and tags, so that a text of the catalog is told from others. */
export function accent(message: string): string {
  let depth = 0;
  return message.replace(/<[^>]*>|[{}]|[a-z]/gi, (found) => {
    if (found === '{') depth++;
    else if (found === '}') depth--;
    else if (found.length === 1 && (depth === 0 || depth === 2))
      return `${found}\u0301`.normalize('NFC').replace(/^[a-z]/i, 'ë');
    return found;
  });
}

/** The words of a page, also for screen readers, that have no accents. */
export function plainWords(page: string): string[] {
  const body = page.slice(page.indexOf('<body'));
  const labels = [...body.matchAll(/aria-label="([^"]*)"/g)].map(([, label]) => label);
  const words =
    [body.replace(/<[^>]*>/g, ' '), ...labels]
      .join(' ')
      .replace(/&\w+;/g, ' ')
      .match(/[A-Za-z]{3,}/g) ?? [];
  return words.filter((word) => word !== 'Usher');
}
