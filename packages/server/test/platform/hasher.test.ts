import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { Piscina } from 'piscina';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Requester } from '../../src/platform/fair-queue.ts';
import { createHasher, type Hasher, standardParameters } from '../../src/platform/hasher.ts';

const cheap = { memoryKib: 64, passes: 1 };
const salt = 'c2FsdHNhbHRzYWx0c2FsdA';
const output = 'A'.repeat(43);

const hashers: Hasher[] = [];
const workers: Worker[] = [];
const remember = (worker: Worker) => workers.push(worker);

/** Its threads do not step back behind whatever else keeps the machine busy, unless told. */
function hasherFor(options: Parameters<typeof createHasher>[0] = {}): Hasher {
  const hasher = createHasher({ niceness: 0, ...options });
  hashers.push(hasher);
  return hasher;
}

beforeEach(() => void process.on('worker', remember));

afterEach(async () => {
  vi.useRealTimers();
  process.off('worker', remember);
  workers.length = 0;
  await Promise.all(hashers.splice(0).map((hasher) => hasher.close()));
});

describe('a hash', () => {
  it('is argon2id with 32 MiB, 3 passes, 1 lane, a salt of 16 bytes and an output of 32', async () => {
    const hash = await hasherFor().hash('correct horse battery', 'background');
    const [, kind, version, parameters, itsSalt = '', itsOutput = ''] = hash.split('$');
    expect([kind, version, parameters]).toEqual(['argon2id', 'v=19', 'm=32768,t=3,p=1']);
    expect(Buffer.from(itsSalt, 'base64')).toHaveLength(16);
    expect(Buffer.from(itsOutput, 'base64')).toHaveLength(32);
    expect(hash).not.toContain('horse');
  });

  it('U16: of the same password differs every time, and both verify', async () => {
    const hasher = hasherFor({ parameters: cheap });
    const [one, two] = await Promise.all([
      hasher.hash('same', 'background'),
      hasher.hash('same', 'background'),
    ]);
    expect(one).not.toBe(two);
    expect(
      await Promise.all([hasher.verify(one, 'same', 'background'), hasher.verify(two, 'same', 'background')]),
    ).toEqual([true, true]);
  });

  it('ASVS 6.2.8: tells apart passwords that differ at character 73, 200 or 1000, in case, or in a space at an end', async () => {
    const hasher = hasherFor({ parameters: cheap });
    const long = 'x'.repeat(1024);
    const hash = await hasher.hash(long, 'background');
    for (const at of [0, 72, 199, 999]) {
      expect(await hasher.verify(hash, `${long.slice(0, at)}y${long.slice(at + 1)}`, 'background')).toBe(
        false,
      );
    }
    for (const other of [long.slice(1), ` ${long}`, `${long} `, long.toUpperCase(), '']) {
      expect(await hasher.verify(hash, other, 'background')).toBe(false);
    }
    expect(await hasher.verify(hash, long, 'background')).toBe(true);
  });

  it('verifies what another argon2 made: the vector of the reference implementation', async () => {
    // phc-winner-argon2, src/test.c: argon2id, v=19, 64 MiB, 2 passes, "password", "somesalt"
    const vector = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await hasherFor().verify(vector, 'password', 'background')).toBe(true);
    expect(await hasherFor().verify(vector, 'passwore', 'background')).toBe(false);
  });
});

// `npm test` builds first.
const built = new URL('../../dist/platform/hasher.js', import.meta.url);

describe.runIf(existsSync(built))('the build', () => {
  it('finds its worker beside itself, as the sources do', async () => {
    const hasher = ((await import(built.href)) as { createHasher: typeof createHasher }).createHasher();
    hashers.push(hasher);
    expect(await hasher.verify(await hasher.hash('secret', 'background'), 'secret', 'background')).toBe(true);
  });
});

describe('a stored hash that is none we can follow', () => {
  const hostile: Record<string, string> = {
    'm of 4 GiB': `$argon2id$v=19$m=4194304,t=3,p=1$${salt}$${output}`,
    'm one KiB over 256 MiB': `$argon2id$v=19$m=262145,t=1,p=1$${salt}$${output}`,
    '99 passes over 64 MiB': `$argon2id$v=19$m=65536,t=99,p=1$${salt}$${output}`,
    '10^9 passes': `$argon2id$v=19$m=64,t=1000000000,p=1$${salt}$${output}`,
    'no pass': `$argon2id$v=19$m=64,t=0,p=1$${salt}$${output}`,
    '17 lanes': `$argon2id$v=19$m=256,t=1,p=17$${salt}$${output}`,
    'less memory than its lanes need': `$argon2id$v=19$m=31,t=1,p=4$${salt}$${output}`,
    argon2x: `$argon2x$v=19$m=64,t=1,p=1$${salt}$${output}`,
    'v of 16': `$argon2id$v=16$m=64,t=1,p=1$${salt}$${output}`,
    'no v': `$argon2id$m=64,t=1,p=1$${salt}$${output}`,
    'an output of 8 bytes': `$argon2id$v=19$m=64,t=1,p=1$${salt}$AAAAAAAAAAA`,
    'an output with bits left over': `$argon2id$v=19$m=64,t=1,p=1$${salt}$${'A'.repeat(42)}B`,
    'a salt of 6 bytes': `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNh$${output}`,
    'a salt of 51 bytes': `$argon2id$v=19$m=64,t=1,p=1$${'c2Fs'.repeat(17)}$${output}`,
    'a zero before a number': `$argon2id$v=19$m=064,t=1,p=1$${salt}$${output}`,
    'a line end after it': `$argon2id$v=19$m=64,t=1,p=1$${salt}$${output}\n`,
    'a key id': `$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA$${salt}$${output}`,
    '600 characters': `$argon2id$v=19$m=64,t=1,p=1$${salt}$${output.repeat(13)}`,
    nothing: '',
    'a Django-unusable one': '!',
    'a plain one': 'plain$secret',
    'bcrypt of cost 15': '$2b$15$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW',
    'a bare MD5': '5f4dcc3b5aa765d61d8327deb882cf99',
  };

  it.each(Object.entries(hostile))(
    'U9, U10: %s never verifies, does not ask for a re-hash',
    async (_, stored) => {
      const hasher = hasherFor({ parameters: cheap });
      expect(await hasher.verify(stored, 'secret', 'background')).toBe(false);
      expect(hasher.needsRehash(stored)).toBe(false);
    },
  );

  it('U9, U10: costs the work of the dummy: argon2 sees the dummy and nothing else', async () => {
    const run = vi.spyOn(Piscina.prototype, 'run');
    const hasher = hasherFor({ parameters: cheap });
    for (const stored of Object.values(hostile)) await hasher.verify(stored, 'secret', 'background');
    const asked = run.mock.calls.map(([task]) => task);
    run.mockRestore();
    expect(asked).toEqual(
      Object.values(hostile).map(() => ({ kind: 'verify', password: 'secret', stored: hasher.dummy })),
    );
  });

  it('U9, U10: is answered false even if that work says true', async () => {
    const run = vi.spyOn(Piscina.prototype, 'run').mockResolvedValue(true);
    const hasher = hasherFor({ parameters: cheap });
    const answers = await Promise.all(
      Object.values(hostile).map((stored) => hasher.verify(stored, 'secret', 'background')),
    );
    run.mockRestore();
    expect(new Set(answers)).toEqual(new Set([false]));
  });

  it('of any salt and output within the bounds is answered, never rejected as a failure', async () => {
    const hasher = hasherFor({ parameters: cheap });
    const bytes = (minLength: number, maxLength: number) =>
      fc
        .uint8Array({ minLength, maxLength })
        .map((some) => Buffer.from(some).toString('base64').replaceAll('=', ''));
    await fc.assert(
      fc.asyncProperty(
        bytes(8, 48),
        bytes(16, 64),
        fc.integer({ min: 1, max: 4 }),
        async (itsSalt, its, lanes) => {
          const stored = `$argon2id$v=19$m=32,t=1,p=${lanes}$${itsSalt}$${its}`;
          expect(await hasher.verify(stored, 'secret', 'background')).toBe(false);
        },
      ),
    );
  });

  it('of any text is answered false, never rejected as a failure', async () => {
    const hasher = hasherFor({ parameters: cheap });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), async (stored) => {
        expect(await hasher.verify(stored, 'secret', 'background')).toBe(false);
      }),
    );
  });
});

describe('a stored hash of another program', () => {
  const bcrypt = '$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.'; // of the empty password
  const others = [bcrypt, `$argon2id$v=19$m=64,t=2,p=1$${salt}$${output}`];

  it('verifies as it is, and is to be replaced', async () => {
    const hasher = hasherFor({ parameters: cheap });
    expect(await hasher.verify(bcrypt, '', 'background')).toBe(true);
    expect(hasher.needsRehash(bcrypt)).toBe(true);
    expect(await hasher.verify(bcrypt, 'x', 'background')).toBe(false);
  });

  it.each(others)('E2: that does not fit costs the work of ours as well: %s', async (stored) => {
    const run = vi.spyOn(Piscina.prototype, 'run');
    const hasher = hasherFor({ parameters: cheap });
    await hasher.verify(stored, 'wrong', 'background');
    await hasher.verify(hasher.dummy, 'wrong', 'background');
    const asked = run.mock.calls.map(([task]) => task).filter(({ kind }) => kind !== 'nothing');
    run.mockRestore();
    const ofNobody = { kind: 'verify', password: 'wrong', stored: hasher.dummy };
    expect(asked).toEqual([ofNobody, { kind: 'verify', password: 'wrong', stored }, ofNobody]);
  });

  /** Threads that have no work to do: what they answer, and when, is what a test says. */
  function createRequestHandler(answer: (stored: string, password: string) => boolean | Promise<boolean>) {
    return vi
      .spyOn(Piscina.prototype, 'run')
      .mockImplementation(async ({ stored, password }) => answer(stored, password));
  }

  it('E2: keeps every failure waiting for as long as it takes, and no success', async () => {
    const hasher = hasherFor({ parameters: cheap });
    const own = await hasher.hash('secret', 'background');
    // What a thread takes is time that this test moves, so that it hangs on no machine's speed.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const run = createRequestHandler(async (stored, password) => {
      if (stored === bcrypt) await new Promise((done) => setTimeout(done, 160));
      return stored === own && password === 'secret';
    });
    expect(await hasher.verify(hasher.dummy, 'x', 'background')).toBe(false); // without a wait, or it would hang here
    for (const stored of [bcrypt, own, hasher.dummy, '!', 'nonsense']) {
      let answer: boolean | undefined;
      void hasher.verify(stored, 'wrong', 'background').then((it) => {
        answer = it;
      });
      // 160 ms and a quarter.
      await vi.advanceTimersByTimeAsync(199);
      expect([stored, answer]).toEqual([stored, undefined]);
      await vi.advanceTimersByTimeAsync(1);
      expect([stored, answer]).toEqual([stored, false]);
    }
    expect(await hasher.verify(own, 'secret', 'background')).toBe(true);
    run.mockRestore();
  });

  const stranger = (range: string, account: string): Requester => ({ range, account, isKnown: false });

  it('E18: keeps no thread of ours busy: others are served while as many as come are under way', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const own = await hasher.hash('secret', 'background');
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const run = createRequestHandler(async (stored, password) => {
      if (stored === bcrypt) await released;
      return stored === own && password === 'secret';
    });
    const guesses = ['a', 'b', 'c', 'd'].map((name) => hasher.verify(bcrypt, 'x', stranger(name, name)));
    for (let i = 0; i < 100; i++) expect(await hasher.verify(own, 'secret', stranger('e', 'e'))).toBe(true);
    release();
    expect(await Promise.all(guesses)).toEqual([false, false, false, false]);
    run.mockRestore();
  });

  it.each([
    ['one range', (n: number) => stranger('a', `name ${n}`)],
    ['one name', (n: number) => stranger(`range ${n}`, 'a')],
  ])('E18: failures for %s are answered one after the other, whoever they are for', async (_, asked) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const times: number[][] = [];
    for (const guessed of ['imported', 'nobody']) {
      const hasher = createHasher({ parameters: cheap });
      const run = createRequestHandler(async (stored) => {
        if (stored === bcrypt) await new Promise((done) => setTimeout(done, 160));
        return false;
      });
      const learned = hasher.verify(bcrypt, '', 'background');
      await vi.advanceTimersByTimeAsync(200);
      await learned;
      const began = performance.now();
      const answered: number[] = [];
      for (let n = 0; n < 4; n++)
        void hasher
          .verify(guessed === 'imported' ? bcrypt : hasher.dummy, 'x', asked(n))
          .then(() => answered.push(Math.round(performance.now() - began)));
      await vi.advanceTimersByTimeAsync(1_000);
      times.push(answered);
      run.mockRestore();
    }
    expect(times).toEqual([
      [200, 400, 600, 800],
      [200, 400, 600, 800],
    ]);
  });

  it('E18: when too many wait, every failure is rejected alike, and no right password of ours', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const own = await hasher.hash('secret', 'background');
    const dear = bcrypt.replace('$06$', '$13$'); // 20 units
    const { promise: held, resolve: release } = Promise.withResolvers<boolean>();
    const run = createRequestHandler((stored, password) =>
      stored === dear ? held : stored === own && password === 'secret',
    );
    expect(await hasher.verify(bcrypt, 'x', 'background')).toBe(false);
    const guesses = Array.from({ length: 10 }, (_, i) =>
      hasher.verify(dear, 'x', stranger(`range ${i}`, `name ${i}`)),
    );
    await new Promise(setImmediate);
    expect(hasher.queued()).toBe(8);
    for (const stored of [dear, own, hasher.dummy])
      await expect(hasher.verify(stored, 'x', stranger('b', 'b'))).rejects.toMatchObject({ code: 'busy' });
    expect(await hasher.verify(own, 'secret', stranger('b', 'b'))).toBe(true);
    release(false);
    await Promise.all(guesses);
    run.mockRestore();
  });

  it('E18: of failures for one range eight may wait, and those of others are answered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const hasher = createHasher({ parameters: cheap, threads: 2 });
    const run = createRequestHandler(async (stored) => {
      if (stored === bcrypt) await new Promise((done) => setTimeout(done, 160));
      return false;
    });
    const learned = hasher.verify(bcrypt, '', 'background');
    await vi.advanceTimersByTimeAsync(200);
    await learned;
    const guesses: Promise<unknown>[] = [];
    for (const n of Array(9).keys()) {
      guesses.push(
        hasher
          .verify(n % 2 ? bcrypt : hasher.dummy, 'x', stranger('a', `name ${n}`))
          .catch((error) => error.code),
      );
      await new Promise(setImmediate);
    }
    const other = hasher.verify(hasher.dummy, 'x', stranger('b', 'b'));
    await vi.advanceTimersByTimeAsync(200);
    expect(await other).toBe(false);
    await vi.advanceTimersByTimeAsync(8 * 200);
    expect(await Promise.all(guesses)).toEqual([...Array(8).fill(false), 'busy']);
    run.mockRestore();
  });
});

describe('the dummy', () => {
  it('has the parameters of a new hash, and no password', async () => {
    const hasher = hasherFor();
    const cost = (hash: string) => hash.split('$').slice(1, 4);
    expect(cost(hasher.dummy)).toEqual(cost(await hasher.hash('secret', 'background')));
    expect(hasher.dummy).toHaveLength((await hasher.hash('secret', 'background')).length);
    expect(await hasher.verify(hasher.dummy, '', 'background')).toBe(false);
  });
});

describe('U13: needsRehash', () => {
  const ours = standardParameters;
  it.each([
    [ours.memoryKib, ours.passes, false],
    [ours.memoryKib - 1, ours.passes, true],
    [ours.memoryKib, ours.passes - 1, true],
    [ours.memoryKib * 2, ours.passes + 1, false],
    [ours.memoryKib * 2, ours.passes - 1, false],
    [ours.memoryKib - 1, ours.passes + 1, false],
  ])('with %i KiB and %i passes: %s, for it goes only upward', (memoryKib, passes, answer) => {
    const stored = `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${salt}$${output}`;
    expect(hasherFor().needsRehash(stored)).toBe(answer);
  });
});

describe('the queue', () => {
  it('D1: takes 50 calls for a thread besides the one that runs, rejects the next as busy, then recovers', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const taken = Array.from({ length: 51 }, () => hasher.hash('secret', 'background'));
    expect(hasher.queued()).toBe(50);
    await expect(hasher.hash('secret', 'background')).rejects.toMatchObject({ code: 'busy', retryAfter: 2 });
    await expect(hasher.verify(hasher.dummy, 'secret', 'background')).rejects.toMatchObject({
      code: 'busy',
      retryAfter: 2,
    });
    expect(new Set(await Promise.all(taken)).size).toBe(51);
    expect(hasher.queued()).toBe(0);
    expect(await hasher.hash('secret', 'background')).toMatch(/^\$argon2id\$/);
  });

  it('serves those who wait in the order they came', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => hasher.hash('secret', 'background').then(() => order.push(n))),
    );
    expect(order).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('D2: uses no more threads than it may, none before the first call, and leaves the event loop free', async () => {
    const hasher = hasherFor({ threads: 2 });
    await new Promise(setImmediate); // a thread is announced one turn after it was made
    expect(workers).toHaveLength(0);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await Promise.all(Array.from({ length: 12 }, () => hasher.hash('secret', 'background')));
    clearInterval(turning);
    expect(workers).toHaveLength(2);
    expect(turns).toBeGreaterThan(12);
  });

  it('keeps a thread for 30 seconds after its last call, then ends it, and starts another when one is needed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    await hasher.hash('secret', 'background');
    await vi.advanceTimersByTimeAsync(29_000);
    await hasher.hash('secret', 'background');
    await vi.advanceTimersByTimeAsync(29_000);
    await hasher.hash('secret', 'background');
    expect(workers).toHaveLength(1);
    const ended = new Promise((resolve) => workers[0]?.once('exit', resolve));
    await vi.advanceTimersByTimeAsync(30_000);
    vi.useRealTimers();
    await ended;
    expect(await hasher.hash('secret', 'background')).toMatch(/^\$argon2id\$/);
    expect(workers).toHaveLength(2);
  });

  it.runIf(process.platform === 'linux')(
    'D2: its threads, and they alone, are of lower priority',
    async () => {
      await hasherFor({ threads: 1, parameters: cheap, niceness: 10 }).hash('secret', 'background');
      const nice = readdirSync('/proc/self/task').map((id) => niceOf(`/proc/self/task/${id}/stat`));
      expect(nice.filter((value) => value === niceOf('/proc/self/stat') + 10)).toHaveLength(1);
    },
  );
});

describe('F35: a thread that fails', () => {
  it('costs the one call it had; those that waited and those that come are served', async () => {
    const failures: unknown[] = [];
    const hasher = hasherFor({ threads: 1, parameters: cheap, onFailure: (error) => failures.push(error) });
    await hasher.hash('secret', 'background');
    const calls = ['canary one', 'canary two', 'canary three'].map((password) =>
      hasher.hash(password, 'background'),
    );
    const settled = Promise.allSettled(calls);
    await workers[0]?.terminate();
    // The first, unless the thread has finished it before it ends.
    const rejected = (await settled).filter((call) => call.status === 'rejected');
    expect(rejected).toMatchObject([{ reason: { code: 'busy', retryAfter: 2 } }]);
    expect(await hasher.hash('secret', 'background')).toMatch(/^\$argon2id\$/);
    expect(failures).toHaveLength(1);
    expect(`${failures} ${JSON.stringify(failures)} ${JSON.stringify(rejected)}`).not.toContain('canary');
  });

  it('of two leaves the other at work', async () => {
    const hasher = hasherFor({ threads: 2, parameters: cheap });
    await Promise.all([
      hasher.hash('secret', 'background'),
      hasher.hash('secret', 'background'),
      hasher.hash('secret', 'background'),
    ]);
    const calls = Promise.allSettled(Array.from({ length: 20 }, () => hasher.hash('secret', 'background')));
    await workers[0]?.terminate();
    const refused = (await calls).filter((call) => call.status === 'rejected');
    expect(refused).toHaveLength(1);
  });

  it.each([
    ['ends', (worker: Worker) => void worker.terminate()],
    ['throws', (worker: Worker) => void worker.emit('error', new Error('cannot start'))],
  ])('and %s before it has started rejects those that wait, or they would wait for ever', async (_, fail) => {
    const hasher = hasherFor({ threads: 2, parameters: cheap });
    process.on('worker', fail);
    const calls = await Promise.allSettled([
      hasher.hash('a', 'background'),
      hasher.hash('b', 'background'),
      hasher.hash('c', 'background'),
    ]);
    expect(calls).toMatchObject(calls.map(() => ({ status: 'rejected', reason: { code: 'busy' } })));
    process.off('worker', fail);
    expect(await hasher.hash('secret', 'background')).toMatch(/^\$argon2id\$/);
  });

  // 64 GiB are asked for in a process that may have 32, so that it fails at once and harms nobody.
  it.runIf(process.platform === 'linux')('because it cannot allocate answers busy, and works on', () => {
    const hasherUrl = new URL('../../src/platform/hasher.ts', import.meta.url);
    const script = `
      const { createHasher } = await import('${hasherUrl}');
      const refusedBy = (hasher) => hasher.hash('secret', 'background').catch((error) => error.code);
      const hasher = createHasher({ threads: 1, parameters: { memoryKib: 64 * 1024 * 1024, passes: 1 } });
      const small = createHasher({ threads: 1, parameters: { memoryKib: 256, passes: 1 } });
      console.log(JSON.stringify([await refusedBy(hasher), await refusedBy(hasher), (await refusedBy(small)).slice(0, 9)]));
      await hasher.close();
      await small.close();`;
    const limited = 'ulimit -v 33554432 && exec "$0" --no-warnings --input-type=module --eval "$1"';
    const said = execFileSync('sh', ['-c', limited, process.execPath, script], { encoding: 'utf8' });
    expect(JSON.parse(said)).toEqual(['busy', 'busy', '$argon2id']);
  });
});

describe('close', () => {
  it('finishes what was taken, rejects what comes, and ends the threads', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const taken = Array.from({ length: 10 }, () => hasher.hash('secret', 'background'));
    const closing = hasher.close();
    await expect(hasher.hash('secret', 'background')).rejects.toMatchObject({ code: 'stopping' });
    await closing;
    expect(await Promise.all(taken)).toHaveLength(10);
    expect(workers.every((worker) => worker.threadId === -1)).toBe(true);
  });
});

/** Field 19 of proc(5)'s `stat`, counted from behind the name, which may contain spaces. */
function niceOf(stat: string): number {
  const text = readFileSync(stat, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16]);
}
