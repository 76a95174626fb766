import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { Piscina } from 'piscina';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHasher, type Hasher, standardParameters } from '../../src/platform/hasher.ts';

const cheap = { memoryKib: 64, passes: 1 };
const salt = 'c2FsdHNhbHRzYWx0c2FsdA';
const output = 'A'.repeat(43);

const hashers: Hasher[] = [];
const workers: Worker[] = [];
const remember = (worker: Worker) => workers.push(worker);

function hasherFor(...options: Parameters<typeof createHasher>): Hasher {
  const hasher = createHasher(...options);
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
    const hash = await hasherFor().hash('correct horse battery');
    const [, kind, version, parameters, itsSalt = '', itsOutput = ''] = hash.split('$');
    expect([kind, version, parameters]).toEqual(['argon2id', 'v=19', 'm=32768,t=3,p=1']);
    expect(Buffer.from(itsSalt, 'base64')).toHaveLength(16);
    expect(Buffer.from(itsOutput, 'base64')).toHaveLength(32);
    expect(hash).not.toContain('horse');
  });

  it('U16: of the same password differs every time, and both verify', async () => {
    const hasher = hasherFor({ parameters: cheap });
    const [one, two] = await Promise.all([hasher.hash('same'), hasher.hash('same')]);
    expect(one).not.toBe(two);
    expect(await Promise.all([hasher.verify(one, 'same'), hasher.verify(two, 'same')])).toEqual([true, true]);
  });

  it('ASVS 6.2.8: tells apart passwords that differ at character 73, 200 or 1000, in case, or in a space at an end', async () => {
    const hasher = hasherFor({ parameters: cheap });
    const long = 'x'.repeat(1024);
    const hash = await hasher.hash(long);
    for (const at of [0, 72, 199, 999]) {
      expect(await hasher.verify(hash, `${long.slice(0, at)}y${long.slice(at + 1)}`)).toBe(false);
    }
    for (const other of [long.slice(1), ` ${long}`, `${long} `, long.toUpperCase(), '']) {
      expect(await hasher.verify(hash, other)).toBe(false);
    }
    expect(await hasher.verify(hash, long)).toBe(true);
  });

  it('verifies what another argon2 made: the vector of the reference implementation', async () => {
    // phc-winner-argon2, src/test.c: argon2id, v=19, 64 MiB, 2 passes, "password", "somesalt"
    const vector = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await hasherFor().verify(vector, 'password')).toBe(true);
    expect(await hasherFor().verify(vector, 'passwore')).toBe(false);
  });
});

// `npm test` builds first.
const built = new URL('../../dist/platform/hasher.js', import.meta.url);

describe.runIf(existsSync(built))('the build', () => {
  it('finds its worker beside itself, as the sources do', async () => {
    const hasher = ((await import(built.href)) as { createHasher: typeof createHasher }).createHasher();
    hashers.push(hasher);
    expect(await hasher.verify(await hasher.hash('secret'), 'secret')).toBe(true);
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
      expect(await hasher.verify(stored, 'secret')).toBe(false);
      expect(hasher.needsRehash(stored)).toBe(false);
    },
  );

  it('U9, U10: costs the work of the dummy: argon2 sees the dummy and nothing else', async () => {
    const run = vi.spyOn(Piscina.prototype, 'run');
    const hasher = hasherFor({ parameters: cheap });
    for (const stored of Object.values(hostile)) await hasher.verify(stored, 'secret');
    const asked = run.mock.calls.map(([task]) => task);
    run.mockRestore();
    expect(asked).toEqual(
      Object.values(hostile).map(() => ({ kind: 'verify', password: 'secret', stored: hasher.dummy })),
    );
  });

  it('U9, U10: is answered false even if that work says true', async () => {
    const run = vi.spyOn(Piscina.prototype, 'run').mockResolvedValue({ matches: true, took: 1 });
    const hasher = hasherFor({ parameters: cheap });
    const answers = await Promise.all(
      Object.values(hostile).map((stored) => hasher.verify(stored, 'secret')),
    );
    run.mockRestore();
    expect(new Set(answers)).toEqual(new Set([false]));
  });

  it('of any salt and output within the bounds is answered, never refused as a failure', async () => {
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
          expect(await hasher.verify(stored, 'secret')).toBe(false);
        },
      ),
    );
  });

  it('of any text is answered false, never refused as a failure', async () => {
    const hasher = hasherFor({ parameters: cheap });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), async (stored) => {
        expect(await hasher.verify(stored, 'secret')).toBe(false);
      }),
    );
  });
});

describe('a stored hash of another program', () => {
  const bcrypt = '$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.'; // of the empty password
  const others = [bcrypt, `$argon2id$v=19$m=64,t=2,p=1$${salt}$${output}`];

  it('verifies as it is, and is to be replaced', async () => {
    const hasher = hasherFor({ parameters: cheap });
    expect(await hasher.verify(bcrypt, '')).toBe(true);
    expect(hasher.needsRehash(bcrypt)).toBe(true);
    expect(await hasher.verify(bcrypt, 'x')).toBe(false);
  });

  it.each(others)('E2: that does not fit costs the work of ours as well: %s', async (stored) => {
    const run = vi.spyOn(Piscina.prototype, 'run');
    const hasher = hasherFor({ parameters: cheap });
    await hasher.verify(stored, 'wrong');
    await hasher.verify(hasher.dummy, 'wrong');
    const asked = run.mock.calls.map(([task]) => task);
    run.mockRestore();
    expect(asked).toEqual([
      { kind: 'verify', password: 'wrong', stored, after: hasher.dummy },
      { kind: 'verify', password: 'wrong', stored: hasher.dummy },
    ]);
  });

  it('E2: keeps every failure waiting for as long as it takes, and no success', async () => {
    const hasher = hasherFor({ parameters: cheap });
    const own = await hasher.hash('secret');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // What a thread says that it took, so that the test hangs on no machine's speed.
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation(async ({ stored, password }) => ({
      matches: stored === own && password === 'secret',
      took: stored === bcrypt ? 160 : 1,
    }));
    expect(await hasher.verify(hasher.dummy, 'x')).toBe(false); // without a wait, or it would hang here
    for (const stored of [bcrypt, own, hasher.dummy, '!', 'nonsense']) {
      let answer: boolean | undefined;
      void hasher.verify(stored, 'wrong').then((it) => {
        answer = it;
      });
      // 160 ms and a quarter, less what the thread took of them.
      await vi.advanceTimersByTimeAsync(stored === bcrypt ? 39 : 198);
      expect([stored, answer]).toEqual([stored, undefined]);
      await vi.advanceTimersByTimeAsync(1);
      expect([stored, answer]).toEqual([stored, false]);
    }
    expect(await hasher.verify(own, 'secret')).toBe(true);
    run.mockRestore();
  });

  it('D1: fills the queue by its cost, and is never refused for it', async () => {
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation(() => new Promise(() => {}));
    const hasher = createHasher({ threads: 1, parameters: cheap });
    const dear = bcrypt.replace('$06$', '$13$'); // 20 units, and one of ours
    const busy = { code: 'busy' };
    for (let i = 0; i < 3; i++) void hasher.verify(dear, 'x');
    expect(hasher.queued()).toBe(2);
    await expect(hasher.verify(dear, 'x')).rejects.toMatchObject(busy);
    await expect(hasher.verify(hasher.dummy, 'x')).rejects.toMatchObject(busy);
    run.mockRestore();
  });
});

describe('the dummy', () => {
  it('has the parameters of a new hash, and no password', async () => {
    const hasher = hasherFor();
    const cost = (hash: string) => hash.split('$').slice(1, 4);
    expect(cost(hasher.dummy)).toEqual(cost(await hasher.hash('secret')));
    expect(hasher.dummy).toHaveLength((await hasher.hash('secret')).length);
    expect(await hasher.verify(hasher.dummy, '')).toBe(false);
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
  it('D1: takes 50 calls for a thread besides the one that runs, refuses the next as busy, then recovers', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const taken = Array.from({ length: 51 }, () => hasher.hash('secret'));
    expect(hasher.queued()).toBe(50);
    await expect(hasher.hash('secret')).rejects.toMatchObject({ code: 'busy', retryAfter: 2 });
    await expect(hasher.verify(hasher.dummy, 'secret')).rejects.toMatchObject({
      code: 'busy',
      retryAfter: 2,
    });
    expect(new Set(await Promise.all(taken)).size).toBe(51);
    expect(hasher.queued()).toBe(0);
    expect(await hasher.hash('secret')).toMatch(/^\$argon2id\$/);
  });

  it('serves those who wait in the order they came', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const order: number[] = [];
    await Promise.all(Array.from({ length: 40 }, (_, n) => hasher.hash('secret').then(() => order.push(n))));
    expect(order).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('D2: uses no more threads than it may, none before the first call, and leaves the event loop free', async () => {
    const hasher = hasherFor({ threads: 2 });
    await new Promise(setImmediate); // a thread is announced one turn after it was made
    expect(workers).toHaveLength(0);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await Promise.all(Array.from({ length: 12 }, () => hasher.hash('secret')));
    clearInterval(turning);
    expect(workers).toHaveLength(2);
    expect(turns).toBeGreaterThan(12);
  });

  it('keeps a thread for 30 seconds after its last call, then ends it, and starts another when one is needed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    await hasher.hash('secret');
    await vi.advanceTimersByTimeAsync(29_000);
    await hasher.hash('secret');
    await vi.advanceTimersByTimeAsync(29_000);
    await hasher.hash('secret');
    expect(workers).toHaveLength(1);
    const ended = new Promise((resolve) => workers[0]?.once('exit', resolve));
    await vi.advanceTimersByTimeAsync(30_000);
    vi.useRealTimers();
    await ended;
    expect(await hasher.hash('secret')).toMatch(/^\$argon2id\$/);
    expect(workers).toHaveLength(2);
  });

  it.runIf(process.platform === 'linux')(
    'D2: its threads, and they alone, are of lower priority',
    async () => {
      await hasherFor({ threads: 1, parameters: cheap }).hash('secret');
      const nice = readdirSync('/proc/self/task').map((id) => niceOf(`/proc/self/task/${id}/stat`));
      expect(nice.filter((value) => value === niceOf('/proc/self/stat') + 10)).toHaveLength(1);
    },
  );
});

describe('F35: a thread that fails', () => {
  it('costs the one call it had; those that waited and those that come are served', async () => {
    const failures: unknown[] = [];
    const hasher = hasherFor({ threads: 1, parameters: cheap, onFailure: (error) => failures.push(error) });
    await hasher.hash('secret');
    const calls = ['canary one', 'canary two', 'canary three'].map((password) => hasher.hash(password));
    const settled = Promise.allSettled(calls);
    await workers[0]?.terminate();
    const [first, ...others] = await settled;
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'busy', retryAfter: 2 } });
    expect(others.map((call) => call.status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await hasher.hash('secret')).toMatch(/^\$argon2id\$/);
    expect(failures).toHaveLength(1);
    expect(`${failures} ${JSON.stringify(failures)} ${JSON.stringify(first)}`).not.toContain('canary');
  });

  it('of two leaves the other at work', async () => {
    const hasher = hasherFor({ threads: 2, parameters: cheap });
    await Promise.all([hasher.hash('secret'), hasher.hash('secret'), hasher.hash('secret')]);
    const calls = Promise.allSettled(Array.from({ length: 20 }, () => hasher.hash('secret')));
    await workers[0]?.terminate();
    const refused = (await calls).filter((call) => call.status === 'rejected');
    expect(refused).toHaveLength(1);
  });

  it.each([
    ['ends', (worker: Worker) => void worker.terminate()],
    ['throws', (worker: Worker) => void worker.emit('error', new Error('cannot start'))],
  ])('and %s before it has started refuses those that wait, or they would wait for ever', async (_, fail) => {
    const hasher = hasherFor({ threads: 2, parameters: cheap });
    process.on('worker', fail);
    const calls = await Promise.allSettled([hasher.hash('a'), hasher.hash('b'), hasher.hash('c')]);
    expect(calls).toMatchObject(calls.map(() => ({ status: 'rejected', reason: { code: 'busy' } })));
    process.off('worker', fail);
    expect(await hasher.hash('secret')).toMatch(/^\$argon2id\$/);
  });

  // 64 GiB are asked for in a process that may have 32, so that it fails at once and harms nobody.
  it.runIf(process.platform === 'linux')('because it cannot allocate answers busy, and works on', () => {
    const hasherUrl = new URL('../../src/platform/hasher.ts', import.meta.url);
    const script = `
      const { createHasher } = await import('${hasherUrl}');
      const hasher = createHasher({ threads: 1, parameters: { memoryKib: 64 * 1024 * 1024, passes: 1 } });
      const refused = await hasher.hash('secret').catch((error) => error);
      const small = '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc';
      console.log(JSON.stringify([refused.code, await hasher.verify(small, 'password')]));
      await hasher.close();`;
    const limited = 'ulimit -v 33554432 && exec "$0" --no-warnings --input-type=module --eval "$1"';
    const said = execFileSync('sh', ['-c', limited, process.execPath, script], { encoding: 'utf8' });
    expect(JSON.parse(said)).toEqual(['busy', true]);
  });
});

describe('close', () => {
  it('finishes what was taken, refuses what comes, and ends the threads', async () => {
    const hasher = hasherFor({ threads: 1, parameters: cheap });
    const taken = Array.from({ length: 10 }, () => hasher.hash('secret'));
    const closing = hasher.close();
    await expect(hasher.hash('secret')).rejects.toMatchObject({ code: 'stopping' });
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
