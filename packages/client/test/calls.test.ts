// What the client says of itself: every call of the API has its method, and every method and export its documentation.
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { routes } from '../../server/src/routes.ts';

const source = resolve(import.meta.dirname, '../src');
const texts = globSync('*.ts', { cwd: source, exclude: ['api.ts', 'index.ts'] }).map((file) =>
  readFileSync(resolve(source, file), 'utf8'),
);
const serverTests = resolve(import.meta.dirname, '../../server/test');
const calls = routes
  .filter(({ path, isPage }) => path.startsWith('/v1/') && !isPage)
  .map(({ method, path, errors }) => ({
    name: `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    errors,
  }));
/** A method as an interface has it: what stands above it, and the call that it is typed by. */
const methods = texts.flatMap((text) => {
  const group = /interface (Me|Users)Calls/.exec(text)?.[1]?.toLowerCase();
  const found = text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(\w+)\([^;]*?'(\w+ \/v1\/[^']*)'[^;]*;/g);
  return [...found].map(([, doc = '', method = '', name = '']) => ({ doc, method, name, group }));
});

/** The tests of the server, which call by the client wherever they are not about HTTP itself. */
const tests = globSync('**/*.test.ts', { cwd: serverTests }).map((file) =>
  readFileSync(resolve(serverTests, file), 'utf8'),
);

describe.each(calls)('$name', ({ name, errors }) => {
  it('is made by the client', () => {
    expect(texts.filter((text) => text.includes(`'${name}'`)).length).toBeGreaterThan(0);
  });

  it('says which refusals are its own', () => {
    // The others are steps of calls that are documented.
    const steps = ['POST /v1/login', 'POST /v1/refresh', 'POST /v1/logout-everywhere'];
    // A method that signs in by cookie or by tokens is typed by the call for the cookie.
    const byCookie = name.replace('/v1/login/', '/v1/signin/');
    const method = methods.find((one) => one.name === name || one.name === byCookie);
    if (steps.includes(name)) return expect(method).toBe(undefined);
    const unsaid = errors.filter((code) => !method?.doc.includes(`\`${code}\``));
    // Logging out of a session that is over is no failure.
    expect(unsaid).toEqual(name === 'POST /v1/logout' ? ['invalid_token'] : []);
  });

  it('is tried on both databases by a test of the server', () => {
    const { method, group } = methods.find((one) => one.name === name) ?? {};
    if (!method) return;
    const call = group ? `\\.?\\b${group}\\.${method}\\(` : `(?<!function )\\b${method}\\(`;
    const users = tests.filter((text) => text.includes('/client.ts') && new RegExp(call).test(text));
    expect(users.filter((text) => text.includes('describe.each(databases)')).length).toBeGreaterThan(0);
  });
});

it('every export says what it is, and what can be called shows how', () => {
  const index = readFileSync(resolve(source, 'index.ts'), 'utf8');
  const exported = [...index.matchAll(/\{ (.*) \} from '\.\/(?!api)/g)].flatMap(([, names = '']) =>
    names.split(', '),
  );
  expect(exported.length).toBeGreaterThan(8);
  for (const name of exported) {
    const bare = name.replace('type ', '');
    const declared = new RegExp(`(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/)\\nexport (\\w+) ${bare}\\b`);
    const [, doc, kind] = texts.map((text) => declared.exec(text)).find(Boolean) ?? [];
    expect([bare, doc === undefined]).toEqual([bare, false]);
    if (kind !== 'type' && kind !== 'interface')
      expect([bare, doc]).toEqual([bare, expect.stringContaining('@example')]);
  }
});
