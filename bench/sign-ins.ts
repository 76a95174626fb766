import { type Ask, requestText } from './load.ts';
import { HOST, PASSWORD, SEEDED_FLAGS } from './seed.ts';

/** Lets each sign-in come from an address of its own, as in life: limits count by address. */
export const SIGN_IN_FLAGS = [...SEEDED_FLAGS, '--trusted-proxies', '127.0.0.1'];

/** Sign-ins by people in turn, each from an address that nobody had before. */
export function signIns(usernames: readonly string[]): () => Ask {
  let turn = 0;
  return () => {
    turn++;
    const headers = {
      Host: HOST,
      Origin: `http://${HOST}`,
      'Content-Type': 'application/json',
      'X-Forwarded-For': `10.${(turn >> 16) & 255}.${(turn >> 8) & 255}.${turn & 255}`,
    };
    const body = JSON.stringify({ username: usernames[turn % usernames.length], password: PASSWORD });
    return { text: requestText('POST', '/v1/signin', headers, body) };
  };
}
