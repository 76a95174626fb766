/**
 * Stores tokens between calls. Only `createClient` reads and writes it.
 *
 * @example
 * storage: {
 *   read: () => secrets.get('usher'),
 *   write: (text) => (text === null ? secrets.delete('usher') : secrets.set('usher', text)),
 * },
 */
export interface TokenStorage {
  read(): string | null | Promise<string | null>;
  /** `null` removes the stored text. */
  write(text: string | null): void | Promise<void>;
}

/** Keeps tokens in memory until the program exits. */
export function memoryStorage(): TokenStorage {
  let kept: string | null = null;
  return {
    read: () => kept,
    write: (text) => {
      kept = text;
    },
  };
}

/** The part of the browser's `Storage` that is used. */
interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Stores tokens in a browser storage, so that all tabs share one session. Any script on the page can read them there
 * (XSS): if the application is on Usher's own origin, prefer the cookie.
 *
 * @example
 * export const usher = createClient({ url: 'http://localhost:4000', session: 'bearer', storage: webStorage(localStorage) });
 */
export const webStorage = (storage: WebStorage, key = 'usher'): TokenStorage => ({
  read: () => storage.getItem(key),
  write: (text) => (text === null ? storage.removeItem(key) : storage.setItem(key, text)),
});
