// Whose password is hashed when: what others do must not keep anybody out, delay them, or tell of somebody else.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { median, type Part, ratios } from './figures.ts';
import { askOnce, requestText } from './load.ts';
import { HOST, PASSWORD, seed } from './seed.ts';
import { startUsher } from './servers.ts';
import { SIGN_IN_FLAGS } from './sign-ins.ts';

const ROUNDS = 4;
const ACCOUNTS = 500;
const PAIRS = 16;
/** bcrypt of cost 12, of no password that is tried here. */
const IMPORTED = '$2b$12$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG';

let addresses = 0;
const newIp = (): string => {
  const n = ++addresses;
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
};

function signInText(username: string, password: string, from: string, cookie?: string): string {
  const headers = {
    Host: HOST,
    Origin: `http://${HOST}`,
    'Content-Type': 'application/json',
    'X-Forwarded-For': from,
    ...(cookie === undefined ? {} : { Cookie: cookie }),
  };
  return requestText('POST', '/v1/signin', headers, JSON.stringify({ username, password }));
}

/** Milliseconds that a sign-in takes, which has to be answered so. */
async function time(port: number, text: string, expected = 200): Promise<number> {
  const began = performance.now();
  const status = await askOnce(port, text);
  if (status !== expected) throw new Error(`A sign-in was answered ${status}.`);
  return performance.now() - began;
}

export async function measureTurns(folder: string): Promise<Part[]> {
  const { usernames } = await seed(folder, ACCOUNTS);
  const database = new DatabaseSync(join(folder, 'usher.db'));
  // Every second one of the last hundred was imported.
  for (const username of usernames.slice(-100).filter((_, i) => i % 2 === 0))
    database.prepare('UPDATE users SET password_hash = ? WHERE username = ?').run(IMPORTED, username);
  database.prepare('UPDATE installation SET slowest_hash = ?').run(IMPORTED);
  database.close();
  const usher = await startUsher(folder, SIGN_IN_FLAGS, false);
  try {
    return [
      await besideGuesses(usher.port, usernames),
      await besideFlood(usher.port, usernames),
      await besideImported(usher.port, usernames),
    ];
  } finally {
    await usher.stop();
  }
}

/** A sign-in by somebody else right after 100 wrong guesses of one address, against one alone (attack D16). */
async function besideGuesses(port: number, usernames: string[]): Promise<Part> {
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const own = () => time(port, signInText(usernames[round] ?? '', PASSWORD, newIp()));
    alone.push(median([await own(), await own(), await own()]));
    const address = newIp();
    const guesses = Array.from({ length: 100 }, (_, i) =>
      askOnce(port, signInText(`nobody${round}x${i % 20}`, 'not the password', address)),
    );
    beside.push(median([await own(), await own(), await own()]));
    await Promise.all(guesses);
  }
  return {
    title: `turns: POST /v1/signin beside 100 wrong guesses of one address (D16), ${ROUNDS} rounds`,
    figures: [
      { name: 'alone', unit: 'ms', values: alone },
      { name: 'beside them', unit: 'ms', values: beside },
      { name: '  to alone', unit: 'times', values: ratios(beside, alone), aim: { most: 2 } },
    ],
  };
}

/** A known device, while 12 accounts of one address sign in without a pause, 117 at a time (attack D15). */
async function besideFlood(port: number, usernames: string[]): Promise<Part> {
  const owner = usernames[100] ?? '';
  const cookie = await deviceOf(port, owner);
  const address = newIp();
  let isOver = false;
  const loop = async (username: string) => {
    while (!isOver) await askOnce(port, signInText(username, PASSWORD, address));
  };
  const flood = Array.from({ length: 117 }, (_, i) => loop(usernames[101 + (i % 12)] ?? ''));
  const took: number[] = [];
  try {
    for (let i = 0; i < 20; i++) took.push(await time(port, signInText(owner, PASSWORD, newIp(), cookie)));
  } finally {
    isOver = true;
    await Promise.all(flood);
  }
  return {
    title: 'turns: a known device beside 12 accounts that sign in without a pause, 117 at a time (D15)',
    figures: [
      { name: 'sign-ins, of 20', unit: '', values: [took.length], aim: { least: 20 } },
      { name: 'how long each took', unit: 'ms', values: took, aim: { most: 1_000 } },
      { name: 'the slowest', unit: 'ms', values: [Math.max(...took)], aim: { most: 1_000 } },
    ],
  };
}

async function deviceOf(port: number, username: string): Promise<string> {
  let head = '';
  await askOnce(port, signInText(username, PASSWORD, newIp()), (text) => {
    head = text;
  });
  const cookie = /^set-cookie: (usher-device=[^;]+)/im.exec(head)?.[1];
  if (!cookie) throw new Error(`There is no device cookie in:\n${head}`);
  return cookie;
}

/** One's own sign-in beside two guesses at a name, which was imported or not (attack E18). */
async function besideImported(port: number, usernames: string[]): Promise<Part> {
  const took = { imported: [] as number[], ours: [] as number[] };
  const own = usernames.slice(200, 200 + PAIRS * 2);
  const measure = async (kind: keyof typeof took, name: string, turn: number) => {
    const address = newIp();
    const guesses = [1, 2].map(() => askOnce(port, signInText(name, 'not the password', address)));
    took[kind].push(await time(port, signInText(own[turn] ?? '', PASSWORD, newIp())));
    await Promise.all(guesses);
  };
  const names = usernames.slice(-100);
  for (let pair = 0; pair < PAIRS; pair++) {
    const both = [
      () => measure('imported', names[2 * pair] ?? '', 2 * pair),
      () => measure('ours', names[2 * pair + 1] ?? '', 2 * pair + 1),
    ];
    for (const one of pair % 2 === 0 ? both : both.reverse()) await one();
  }
  const gap = Math.abs(median(took.imported) - median(took.ours));
  return {
    title: `turns: one's own sign-in beside two guesses at a name (E18), ${PAIRS} of each in turn`,
    figures: [
      { name: 'the name was imported', unit: 'ms', values: took.imported },
      { name: 'it was not', unit: 'ms', values: took.ours },
      { name: '  the medians apart', unit: 'ms', values: [gap], aim: { most: 20 } },
    ],
  };
}
