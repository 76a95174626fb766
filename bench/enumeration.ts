import { median, type Part } from './figures.ts';
import { askOnce, requestText } from './load.ts';
import { HOST, seed } from './seed.ts';
import { startUsher } from './servers.ts';
import { SIGN_IN_FLAGS } from './sign-ins.ts';

/** How often each of the two is asked; a sign-in takes much longer than an email. */
const PAIRS = { emails: 800, signIns: 150 };
const ACCOUNTS = 1_000;

/** Whether the clock tells an address that has an account from one that has none (attack E2). */
export async function measureEnumeration(folder: string): Promise<Part[]> {
  await seed(folder, ACCOUNTS);
  const usher = await startUsher(folder, SIGN_IN_FLAGS, false);
  try {
    return [
      await compare(usher.port, 'mails', 'POST /v1/send-mail', PAIRS.emails, 202, (email) => ({
        path: '/v1/send-mail',
        body: { email },
      })),
      await compare(usher.port, 'sign-ins', 'POST /v1/signin', PAIRS.signIns, 401, (email) => ({
        path: '/v1/signin',
        body: { email, password: 'not the password of anybody' },
      })),
    ];
  } finally {
    await usher.stop();
  }
}

/** Asks for one of each in turn, now the one first, now the other. Each comes from an address of its own. */
async function compare(
  port: number,
  name: string,
  call: string,
  pairs: number,
  expected: number,
  askFor: (email: string) => { path: string; body: object },
): Promise<Part> {
  const took = { known: [] as number[], unknown: [] as number[] };
  let asked = 0;
  const ask = async (kind: keyof typeof took, email: string): Promise<void> => {
    asked++;
    const headers = {
      Host: HOST,
      Origin: `http://${HOST}`,
      'Content-Type': 'application/json',
      'X-Forwarded-For': `10.${expected & 255}.${(asked >> 8) & 255}.${asked & 255}`,
    };
    const { path, body } = askFor(email);
    const text = requestText('POST', path, headers, JSON.stringify(body));
    const began = performance.now();
    const status = await askOnce(port, text);
    took[kind].push(performance.now() - began);
    if (status !== expected) throw new Error(`${path} answered ${status}.`);
  };
  for (let pair = 0; pair < pairs; pair++) {
    const both = [
      () => ask('known', `user${10_000 + (pair % ACCOUNTS)}@example.org`),
      () => ask('unknown', `none${10_000 + (pair % ACCOUNTS)}@example.org`),
    ];
    for (const one of pair % 2 === 0 ? both : both.reverse()) await one();
  }
  const gap = median(took.known) - median(took.unknown);
  return {
    title: `enumeration: ${name} (${call}), ${pairs} of each in turn`,
    figures: [
      { name: 'an account has the address', unit: 'ms', values: took.known },
      { name: 'none has it', unit: 'ms', values: took.unknown },
      { name: '  the medians apart', unit: 'ms', values: [Math.abs(gap)], aim: { most: 3 } },
      {
        name: '  how far from a coin the clock tells them (AUC to 0.5)',
        unit: '',
        values: [Math.abs(chanceAbove(took.known, took.unknown) - 0.5)],
        aim: { most: 0.05 },
      },
    ],
  };
}

/** How likely one of the first is above one of the second (the AUC of the best threshold is this): 0.5 tells nothing. */
function chanceAbove(first: readonly number[], second: readonly number[]): number {
  let above = 0;
  for (const one of first) for (const other of second) above += one > other ? 1 : one === other ? 0.5 : 0;
  return above / (first.length * second.length);
}
