/**
 * Where tokens are kept between calls. Only `createClient` reads and writes it.
 *
 * @example
 * storage: {
 *   read: () => secrets.get('usher'),
 *   write: (text) => (text === null ? secrets.delete('usher') : secrets.set('usher', text)),
 * },
 */
export interface TokenStorage {
  read(): string | null | Promise<string | null>;
  /** `null` removes. */
  write(text: string | null): void | Promise<void>;
}

/** For as long as the program runs, and for nobody else. */
export function memoryStorage(): TokenStorage {
  let kept: string | null = null;
  return {
    read: () => kept,
    write: (text) => {
      kept = text;
    },
  };
}

/** As much of the browser's `Storage` as is used. */
interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Keeps tokens in a browser's storage, so that all tabs share one session. Whatever script runs in the page can read them
 * there: where the application is on Usher's own origin, its cookie is the better choice.
 *
 * @example
 * export const usher = createClient({ url: 'http://localhost:4000', session: 'bearer', storage: webStorage(localStorage) });
 */
export const webStorage = (storage: WebStorage, key = 'usher'): TokenStorage => ({
  read: () => storage.getItem(key),
  write: (text) => (text === null ? storage.removeItem(key) : storage.setItem(key, text)),
});
