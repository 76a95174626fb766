import { beforeAll, describe, expect, it } from 'vitest';
import { Browser, login, type Reply, signUp, type TestApp } from '../support/app.ts';
import { type Credential, claimsOf, newIp, present, sendAs } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** Everything that somebody has who is signed in four times. */
type Place = 'browser' | 'otherBrowser' | 'program' | 'otherProgram';
type Sessions = Record<Place, { id: string; credentials: Credential[] }>;

interface Someone {
  id: string;
  proof: { email: string; password: string };
  sessions: Sessions;
}

const everywhere: Place[] = ['browser', 'otherBrowser', 'program', 'otherProgram'];
const NEW_PASSWORD = 'another correct horse';

interface Act {
  act: string;
  /** Which session asks; the administrator when it is none of theirs. */
  by: Place | 'admin';
  /** `:id` is the user, `:browser` and so on the session there. */
  request: string;
  body?: (who: Someone) => unknown;
  ends: Place[];
}

const change = ({ proof }: Someone) => ({ current_password: proof.password, new_password: NEW_PASSWORD });
const proof = (who: Someone) => who.proof;

const acts: Act[] = [
  { act: 'a log-out in a browser', by: 'browser', request: 'POST /v1/logout', ends: ['browser'] },
  { act: 'a log-out in a program', by: 'program', request: 'POST /v1/logout', ends: ['program'] },
  {
    act: 'a log-out everywhere, in a browser',
    by: 'browser',
    request: 'POST /v1/logout-everywhere',
    ends: everywhere,
  },
  {
    act: 'a log-out everywhere, in a program',
    by: 'program',
    request: 'POST /v1/logout-everywhere',
    ends: everywhere,
  },
  {
    act: 'a change of password in a browser',
    by: 'browser',
    request: 'PUT /v1/me/password',
    body: change,
    ends: everywhere,
  },
  {
    act: 'a change of password in a program',
    by: 'program',
    request: 'PUT /v1/me/password',
    body: change,
    ends: everywhere,
  },
  {
    act: 'the end of a browser’s session',
    by: 'program',
    request: 'DELETE /v1/me/sessions/:otherBrowser',
    ends: ['otherBrowser'],
  },
  {
    act: 'the end of a program’s session',
    by: 'browser',
    request: 'DELETE /v1/me/sessions/:program',
    ends: ['program'],
  },
  {
    act: 'the end of the session that asks',
    by: 'browser',
    request: 'DELETE /v1/me/sessions/:browser',
    ends: ['browser'],
  },
  {
    act: 'the deletion of the account in a browser',
    by: 'browser',
    request: 'DELETE /v1/me',
    body: proof,
    ends: everywhere,
  },
  {
    act: 'the deletion of the account in a program',
    by: 'program',
    request: 'DELETE /v1/me',
    body: proof,
    ends: everywhere,
  },
  {
    act: 'an administrator who disables',
    by: 'admin',
    request: 'PATCH /v1/users/:id',
    body: () => ({ disabled: true }),
    ends: everywhere,
  },
  { act: 'an administrator who deletes', by: 'admin', request: 'DELETE /v1/users/:id', ends: everywhere },
  {
    act: 'an administrator who ends all sessions',
    by: 'admin',
    request: 'POST /v1/users/:id/logout-everywhere',
    ends: everywhere,
  },
];

describe.each(databases)(
  'P3: what has ended is rejected at once, on every process, on $name',
  ({ create }) => {
    const { app, inside, twin } = withApp(create);
    let admin: Browser;
    beforeAll(async () => {
      const boss = await signUp(app);
      await inside.promote(boss.id);
      admin = boss.browser;
    });

    async function newSomeone(): Promise<Someone> {
      const who = await signUp(app, newIp());
      const { id, email, password } = who;
      const second = new Browser(app, newIp());
      await second.post('/v1/signin', { email, password });
      const inBrowser = ({ cookie = '' }: Browser) => ({
        id: claimsOf(cookie).sid,
        credentials: [{ cookie }],
      });
      const inProgram = async () => {
        const pair = await login(app, who, newIp());
        const credentials = [{ bearer: pair.access_token }, { refresh: pair.refresh_token }];
        return { id: claimsOf(pair.access_token).sid, credentials };
      };
      const sessions = {
        browser: inBrowser(who.browser),
        otherBrowser: inBrowser(second),
        program: await inProgram(),
        otherProgram: await inProgram(),
      };
      return { id, proof: { email, password }, sessions };
    }

    /** What both processes answer to each credential of these sessions. */
    async function answers({ sessions }: Someone, places: Place[]): Promise<number[]> {
      const statuses: number[] = [];
      for (const process of [app, twin])
        for (const place of places)
          for (const credential of sessions[place].credentials)
            statuses.push((await present(process, credential)).status);
      return statuses;
    }

    async function perform({ by, request, body }: Act, process: TestApp, who: Someone): Promise<Reply> {
      const path = request.replace(/:(\w+)/, (_, name: string) =>
        name === 'id' ? who.id : who.sessions[name as Place].id,
      );
      const [method = '', url = ''] = path.split(' ');
      const [caller] = by === 'admin' ? [{ cookie: admin.cookie ?? '' }] : who.sessions[by].credentials;
      if (!caller || 'refresh' in caller) expect.fail('nobody asks');
      return sendAs(process, caller, method, url, body?.(who));
    }

    it.each(acts)('after $act', async (act) => {
      const who = await newSomeone();
      // Each process has just seen every credential, and found it good.
      expect(new Set(await answers(who, everywhere))).toEqual(new Set([200]));
      const served = await perform(act, acts.indexOf(act) % 2 === 0 ? app : twin, who);
      expect(served.status).toBe(200);
      expect(new Set(await answers(who, act.ends))).toEqual(new Set([401]));
      const spared = everywhere.filter((place) => !act.ends.includes(place));
      expect((await answers(who, spared)).filter((status) => status !== 200)).toEqual([]);
    });

    it('after an administrator was demoted: whatever is for administrators', async () => {
      const who = await newSomeone();
      await inside.promote(who.id);
      const held = everywhere.flatMap((place) => who.sessions[place].credentials);
      const ask = async (credentials: Credential[]) => {
        const statuses = new Set<number>();
        for (const process of [app, twin])
          for (const credential of credentials)
            for (const path of ['/v1/users', `/v1/users/${who.id}`])
              if (!('refresh' in credential))
                statuses.add((await sendAs(process, credential, 'GET', path)).status);
        return [...statuses];
      };
      expect(await ask(held)).toEqual([200]);
      const demoted = await admin.send('PATCH', `/v1/users/${who.id}`, { role: 'user' });
      expect(demoted.body.user.role).toBe('user');
      const renewed: Credential[] = [];
      for (const credential of held)
        if ('refresh' in credential)
          renewed.push({ bearer: (await present(twin, credential)).body.access_token });
      expect(renewed).toHaveLength(2);
      expect(await ask([...held, ...renewed])).toEqual([403]);
    });
  },
);
