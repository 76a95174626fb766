import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chances } from '../../../scripts/chances.ts';

it('SECURITY.md shows the chances that follow from the budgets', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../SECURITY.md'), 'utf8');
  expect(chances().length).toBe(5);
  for (const line of chances()) expect(text).toContain(line);
});
