// The README of the package, word for word but for the address; and that its types are the server's.
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { type Document, writeTypes } from '../../../scripts/client-types.ts';
import { withApp } from '../../server/test/support/with-app.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const programs = [...read('packages/client/README.md').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, block]) => block ?? '',
);

const { app } = withApp();

async function run(program: string): Promise<string> {
  const folder = mkdtempSync(join(inject('folder'), 'client-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const file = join(folder, 'program.mts');
  writeFileSync(file, program.replaceAll('http://localhost:4000', app.url));
  return (await promisify(execFile)(process.execPath, [file], { cwd: folder })).stdout;
}

it('the programs of the README run, one after the other, and end by themselves', async () => {
  const [signUp = '', changes = '', ...others] = programs;
  expect(others).toEqual([]);
  expect(await run(signUp)).toBe('user created!\n');
  expect(await run(signUp)).toMatch(/^user_exists invalid credentials!\n/);
  expect(await run(changes)).toBe('signed_in\n3 sessions\nsigned_out\n');
});

it('every example in the source is in the README or a guide', () => {
  const tidy = (text: string): string => text.replaceAll(/[\s,]+/g, '');
  const texts = ['packages/client/README.md', ...globSync('docs/guides/*.md', { cwd: root })]
    .map(read)
    .map(tidy);
  const examples = globSync('packages/client/src/*.ts', { cwd: root }).flatMap((file) =>
    [...read(file).matchAll(/@example\n([\s\S]*?)\n \*\//g)].map(([, text]) => text ?? ''),
  );
  expect(examples.length).toBeGreaterThan(2);
  for (const example of examples)
    for (const line of example.split('\n').map((one) => tidy(one.replace(/^ \* ?/, ''))))
      expect(
        texts.some((text) => text.includes(line)),
        line,
      ).toBe(true);
});

describe('types that are made from schemas', () => {
  const answer = (schema: object) => ({ 200: { content: { 'application/json': { schema } } } });
  const document = (schema: object): Document =>
    ({
      paths: { '/v1/a': { get: { summary: 'A', responses: answer(schema) } } },
      components: { schemas: {} },
    }) as Document;
  const typeOf = (schema: object) => /response: ([\s\S]*?); };\n\}/.exec(writeTypes(document(schema)))?.[1];

  it.each([
    [{ type: 'string' }, 'string'],
    [{ type: 'integer' }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ const: 'yes' }, '"yes"'],
    [{ enum: ['a', 'b'] }, '"a" | "b"'],
    [{ anyOf: [{ type: 'number' }, { type: 'null' }] }, 'number | null'],
    [{ $ref: '#/components/schemas/User' }, 'User'],
    [{ type: 'array', items: { enum: [1, 2] } }, '(1 | 2)[]'],
    [{ type: 'object', additionalProperties: { type: 'string' } }, 'Record<string, string>'],
    [
      { type: 'object', properties: { a: { type: 'null' }, b: {} }, required: ['a'] },
      '{ a: null;\nb?: unknown | undefined; }',
    ],
    [{}, 'unknown'],
  ])('%j', (schema, type) => {
    expect(typeOf(schema)).toBe(type);
  });
});
