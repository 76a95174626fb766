/** A cookie of a response, as a browser sends it back; empty if the response sets none. */
function cookieOf({ headers }: { headers: Headers }, name: string): string {
  const set = headers.getSetCookie().find((one) => one.startsWith(`${name}=`));
  return set?.split(';')[0] ?? '';
}

/** The verification cookie, with which a browser continues after requesting an email. */
export const verificationOf = (reply: { headers: Headers }): string => cookieOf(reply, 'usher-verification');

/** The session cookie. */
export const sessionOf = (reply: { headers: Headers }): string => cookieOf(reply, 'usher');

/** The device cookie, by which an account recognizes a browser. */
export const deviceOf = (reply: { headers: Headers }): string => cookieOf(reply, 'usher-device');
