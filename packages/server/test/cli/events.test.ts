import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { PASSWORD, send, signUp, startApp } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { HOUR, testClock } from '../support/clock.ts';
import { databases } from '../support/postgres.ts';
import { withStarted } from '../support/with-app.ts';
import { bin, withPlace, wordsOf } from './program.ts';

describe.each(databases)('usher events on $name', (kind) => {
  const place = withPlace(kind, 'suite');
  const app = withStarted(
    // An hour ahead, so that no pause runs out while the commands run.
    () => startApp(place.database, { secret: place.secret, clock: testClock(systemClock.now() + HOUR) }),
    (it) => it.stop(),
  );
  let ada: Awaited<ReturnType<typeof signUp>>;
  let requestId: string;
  beforeAll(async () => {
    ada = await signUp(app);
    const stranger = clientOf(app);
    for (let i = 0; i < 5; i++) await stranger.signIn({ username: ada.username, password: `wrong ${i}` });
    const limited = await send(app, 'POST', '/v1/signin', { email: ada.email, password: PASSWORD });
    requestId = limited.headers.get('x-request-id') ?? '';
  });
  const usher = (line: string) => place.usher(line.split(' '));

  it('tells by a request why it was rejected', async () => {
    const { code, stdout } = await usher(`events --request ${requestId}`);
    expect(code).toBe(0);
    const [head, row, ...more] = wordsOf(stdout);
    expect(head).toEqual(['WHEN (UTC)', 'EVENT', 'USER', 'IP', 'DETAILS']);
    expect(row?.slice(1)).toEqual([
      'rate_limit_exceeded',
      ada.id,
      '127.0.0.1',
      'limit=passwords_per_account count=5 rejected=1 retry_after=30',
    ]);
    expect(more).toEqual([]);
    const none = await usher('events --request 00000000-0000-4000-8000-000000000000');
    expect(none).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('see the server log'),
    });
  });

  it('lists as JSON, an event a line, page by page', async () => {
    const { stdout, stderr } = await usher(`events --user ${ada.username} --limit 2 --json`);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ name }) => name)).toEqual(['rate_limit_exceeded', 'sign_in_failed']);
    expect(lines[0]).toMatchObject({
      user_id: ada.id,
      request_id: requestId,
      details: { limit: 'passwords_per_account' },
    });
    const cursor = /--cursor (\S+)/.exec(stderr)?.[1];
    const next = await usher(
      `events --user ${ada.id} --name user_signed_up --cursor ${cursor} --since 1h --json`,
    );
    expect(JSON.parse(next.stdout)).toMatchObject({ name: 'user_signed_up', actor_id: ada.id });
  });

  it('says what it cannot take', async () => {
    const { stderr } = await usher('events --name user_singed_up');
    expect(stderr).toMatch(/Unknown event\. The nearest names: user_signed_up, \w+, \w+\./);
    for (const wrong of ['--name nothing', '--since yesterday', '--request 1', '--limit 0', '--cursor x'])
      expect((await usher(`events ${wrong}`)).code).toBe(2);
    expect((await usher('events --user nobody')).stderr).toBe('usher: No user named nobody.\n');
  });

  it('goes on with what comes in, until it is interrupted', async () => {
    const child = spawn(process.execPath, [bin, 'events', '--follow', '--json', '--limit', '1'], {
      cwd: place.folder,
      env: { USHER_DATABASE: place.database.url, USHER_SECRET: place.secret },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exit = once(child, 'exit');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value ?? '');
    expect(await next()).toMatchObject({ request_id: requestId });
    const bob = await signUp(app);
    expect([await next(), await next()]).toMatchObject([
      { name: 'user_signed_up', user_id: bob.id },
      { name: 'signed_in', user_id: bob.id },
    ]);
    child.kill('SIGINT');
    expect(await exit).toEqual([0, null]);
  });

  it('shows the limits of a user, and lifts them', async () => {
    const { stdout } = await usher(`user show ${ada.username}`);
    const row = wordsOf(stdout).find(([limit]) => limit === 'passwords_per_account');
    expect(row?.slice(0, 3)).toEqual(['passwords_per_account', '5 of 5', 'yes']);
    expect(JSON.parse((await usher(`user show ${ada.username} --json`)).stdout).limits).toMatchObject([
      { limit: 'passwords_per_identifier', exceeded: true, from: `username ${ada.username}` },
      { limit: 'passwords_per_identifier', exceeded: false, from: `email ${ada.email}` },
      { limit: 'passwords_per_account', exceeded: true },
      { limit: 'passwords_per_account_total', exceeded: false },
      { limit: 'emails_per_recipient', exceeded: false },
    ]);
    const owner = clientOf(app);
    const { username, password } = ada;
    expect(refusal(await owner.signIn({ username, password }))).toBe('invalid_credentials');
    expect(await usher(`user reset-rate-limits ${ada.username}`)).toMatchObject({
      code: 0,
      stderr: `Reset 5 rate limits for ${ada.username}.\n`,
    });
    given(await owner.signIn({ username, password }));
    // The notice of this sign-in is counted, too.
    expect((await usher(`user reset-rate-limits ${ada.username}`)).stderr).toContain(
      'Reset 1 rate limit for',
    );
    expect((await usher(`user reset-rate-limits ${ada.username}`)).stderr).toContain(
      'has no active rate limits',
    );
  });
});
