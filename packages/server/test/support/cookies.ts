/** A cookie of an answer as a browser sends it back; empty where the answer sets none. */
function cookieOf({ headers }: { headers: Headers }, name: string): string {
  const set = headers.getSetCookie().find((one) => one.startsWith(`${name}=`));
  return set?.split(';')[0] ?? '';
}

/** By which a browser goes on with the email that it asked for. */
export const verificationOf = (reply: { headers: Headers }): string => cookieOf(reply, 'usher-verification');

/** By which a browser is signed in. */
export const sessionOf = (reply: { headers: Headers }): string => cookieOf(reply, 'usher');

/** By which a browser is known to an account. */
export const deviceOf = (reply: { headers: Headers }): string => cookieOf(reply, 'usher-device');
