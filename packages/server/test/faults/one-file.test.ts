// F13: several processes on one SQLite file. Each sees at once what another did.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProcess } from '../cli/program.ts';
import { newIdentifiers, PASSWORD } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { call, cookieOf, newFolder, SECRET, startProcess, type UsherProcess } from '../support/process.ts';

let folder: string;
let database: string;
let one: UsherProcess;
let other: UsherProcess;
beforeAll(async () => {
  folder = newFolder();
  database = `sqlite:${join(folder, 'usher.db')}`;
  one = await startProcess({ database });
  other = await startProcess({ database });
});
afterAll(() => Promise.all([one.kill(), other.kill()]));

it('F13: what one did the other knows', async () => {
  for (let round = 0; round < 3; round++) {
    const [first, second] = round % 2 === 0 ? [one, other] : [other, one];
    const made = await call(first, 'POST', '/v1/signup', newIdentifiers());
    expect(made.status).toBe(201);
    const credential = { cookie: cookieOf(made) ?? '' };
    expect((await call(second, 'GET', '/v1/me', undefined, credential)).body.user).toEqual(made.body.user);
    expect((await call(second, 'POST', '/v1/logout', undefined, credential)).status).toBe(200);
    expect((await call(first, 'GET', '/v1/me', undefined, credential)).status).toBe(401);
  }
});

it('F13: what a command did the servers know when it ends', async () => {
  const names = newIdentifiers();
  given(await clientOf(one).signUp(names));
  // What is presented to the other process was issued by this one.
  const { username, password } = names;
  const { access_token: token } = (await call(one, 'POST', '/v1/login', { username, password })).body;
  const present = async (at: UsherProcess) =>
    (await call(at, 'GET', '/v1/me', undefined, { bearer: token })).status;
  const signIn = (at: UsherProcess) => clientOf(at).signIn({ username: names.username, password: PASSWORD });
  for (const at of [one, other]) expect(await present(at)).toBe(200);
  const usher = (...args: string[]) =>
    runProcess(folder, { USHER_DATABASE: database, USHER_SECRET: SECRET }, ['user', ...args]);

  expect(await usher('disable', names.username)).toMatchObject({ code: 0 });
  for (const at of [one, other]) {
    expect(await present(at)).toBe(401);
    expect(refusal(await signIn(at))).toBe('invalid_credentials');
  }
  expect(await usher('enable', names.username)).toMatchObject({ code: 0 });
  for (const at of [one, other]) {
    // What was ended stays so.
    expect(await present(at)).toBe(401);
    given(await signIn(at));
  }
  expect(await usher('delete', names.username, '--yes')).toMatchObject({ code: 0 });
  for (const at of [one, other]) expect(refusal(await signIn(at))).toBe('invalid_credentials');
});

it('F13: when one is killed the other goes on', async () => {
  const third = await startProcess({ database });
  const made = await call(third, 'POST', '/v1/signup', newIdentifiers());
  await third.kill('SIGKILL');
  const credential = { cookie: cookieOf(made) ?? '' };
  expect((await call(one, 'GET', '/v1/me', undefined, credential)).status).toBe(200);
  expect((await call(other, 'POST', '/v1/signup', newIdentifiers())).status).toBe(201);
});
