/**
 * Text as searches for users compare it: in the form of the keys of usernames and emails, in one line, without control
 * characters and without others that nobody sees.
 */
export const searchKey = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
