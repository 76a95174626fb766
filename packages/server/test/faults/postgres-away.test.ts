// F15, F16, F33: the database server is not there yet, goes away, or says nothing any more.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { newIdentifiers, PASSWORD, type Reply } from '../support/app.ts';
import { type Cluster, createCluster } from '../support/cluster.ts';
import {
  call,
  cookieOf,
  freePort,
  launch,
  PUBLIC_URL,
  startProcess,
  type UsherProcess,
} from '../support/process.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await createCluster(inject('folder'));
});
afterAll(() => cluster.stop());

it('F15: a server that starts before its database is alive, not ready, and becomes ready', async () => {
  await cluster.stop();
  const port = await freePort();
  const url = cluster.url('late');
  const launched = launch({ database: url, port });
  const usher = { url: PUBLIC_URL, port };
  const alive = () =>
    call(usher, 'GET', '/healthz').then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(alive).toBe(200);
  await expect.poll(launched.logs).toContain('Can’t reach the database');
  for (const [method, path] of [
    ['GET', '/readyz'],
    ['POST', '/v1/signup'],
    ['GET', '/v1/me'],
    ['GET', '/setup'],
  ] as const)
    expectAway(
      await call(usher, method, path, method === 'POST' ? newIdentifiers() : undefined, { bearer: 'x' }),
    );
  expect(launched.logs()).not.toContain(new URL(url).password);

  await cluster.start();
  const ready = await launched.ready;
  expect((await call(ready, 'GET', '/readyz')).body).toEqual({ status: 'ready' });
  expect((await call(ready, 'POST', '/v1/signup', newIdentifiers())).status).toBe(201);
  expect(await ready.kill()).toEqual({ code: 0, signal: null });
});

it('F16: a database that goes away in the middle of work is 503, and comes back by itself', async () => {
  const usher = await startProcess({ database: cluster.url('leaving') });
  const people = await Promise.all([1, 2, 3, 4].map(() => newcomer(usher)));
  const gone = await newcomer(usher);
  expect((await call(usher, 'POST', '/v1/logout', undefined, { bearer: gone.accessToken })).status).toBe(200);

  const replies: Reply[] = [];
  let isOver = false;
  const load = Promise.all(
    people.map(async (who) => {
      while (!isOver) {
        replies.push(await call(usher, 'GET', '/v1/me', undefined, { cookie: who.cookie }));
        replies.push(await call(usher, 'POST', '/v1/login', { username: who.username, password: PASSWORD }));
        const next = await call(usher, 'POST', '/v1/refresh', { refresh_token: who.refreshToken });
        if (next.status === 200) who.refreshToken = next.body.refresh_token;
        replies.push(next);
      }
    }),
  );
  await sleep(300);
  await cluster.stop();
  const away = replies.length;
  expectAway(await call(usher, 'GET', '/readyz'));
  expect((await call(usher, 'GET', '/healthz')).body).toEqual({ status: 'ok' });
  // Whoever was logged out is not let in, and who was not is not told to sign in again.
  for (const bearer of [gone.accessToken, people[0]?.accessToken ?? ''])
    expectAway(await call(usher, 'GET', '/v1/me', undefined, { bearer }));
  const left = await call(usher, 'POST', '/v1/logout', undefined, { cookie: people[0]?.cookie ?? '' });
  expectAway(left);
  expect(left.headers.getSetCookie()).toEqual([]);
  await expect.poll(() => replies.length).toBeGreaterThan(away + 12);

  await cluster.start();
  const readiness = () => call(usher, 'GET', '/readyz').then(({ status }) => status);
  await expect.poll(readiness).toBe(200);
  isOver = true;
  await load;
  expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(4);
  for (const reply of replies.filter(({ status }) => status !== 200)) expectAway(reply);
  for (const who of people) {
    expect((await call(usher, 'GET', '/v1/me', undefined, { cookie: who.cookie })).status).toBe(200);
    const next = await call(usher, 'POST', '/v1/refresh', { refresh_token: who.refreshToken });
    expect(next.status).toBe(200);
  }
  const refused = await call(usher, 'GET', '/v1/me', undefined, { bearer: gone.accessToken });
  expect(refused.status).toBe(401);
  expect(usher.logs()).toMatch(/"msg":"request failed"/);
  expect(usher.logs()).not.toContain(new URL(cluster.url('leaving')).password);
  expect(await usher.kill()).toEqual({ code: 0, signal: null });
});

it('F33: a database that says nothing any more is 503, and can come back', async () => {
  const line = await tappedLine(Number(new URL(cluster.url('silent')).port));
  const url = new URL(cluster.url('silent'));
  url.port = String(line.port);
  const usher = await startProcess({ database: url.href });
  const who = await newcomer(usher);

  line.mute();
  const replies = await Promise.all([
    call(usher, 'GET', '/v1/me', undefined, { bearer: who.accessToken }),
    call(usher, 'POST', '/v1/logout', undefined, { cookie: who.cookie }),
    call(usher, 'GET', '/readyz'),
  ]);
  for (const reply of replies) expectAway(reply);
  expect((await call(usher, 'GET', '/healthz')).status).toBe(200);

  line.unmute();
  const readiness = () => call(usher, 'GET', '/readyz').then(({ status }) => status);
  await expect.poll(readiness).toBe(200);
  expect((await call(usher, 'GET', '/v1/me', undefined, { bearer: who.accessToken })).status).toBe(200);
  await usher.kill();
  line.close();
});

function expectAway({ status, body, headers, text }: Reply): void {
  expect({ status, code: body?.code }, text).toEqual({ status: 503, code: 'unavailable' });
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
}

async function newcomer(usher: UsherProcess) {
  const names = newIdentifiers();
  const made = await call(usher, 'POST', '/v1/signup', names);
  const pair = await call(usher, 'POST', '/v1/login', { username: names.username, password: PASSWORD });
  expect([made.status, pair.status]).toEqual([201, 200]);
  return {
    ...names,
    cookie: cookieOf(made) ?? '',
    accessToken: pair.body.access_token as string,
    refreshToken: pair.body.refresh_token as string,
  };
}

/** Passes on what comes to it, until it is told to swallow it: the other end then looks frozen. */
async function tappedLine(to: number) {
  const sockets = new Set<Socket>();
  let isMuted = false;
  const join = (from: Socket, on: Socket) => {
    sockets.add(from);
    from.on('data', (data) => isMuted || on.write(data));
    from.on('close', () => isMuted || on.destroy());
    from.on('error', () => {});
  };
  const server: Server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    join(near, far);
    join(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    port: (server.address() as { port: number }).port,
    mute: () => {
      isMuted = true;
    },
    unmute: () => {
      hangUp();
      isMuted = false;
    },
    close: () => {
      hangUp();
      server.close();
    },
  };
}
