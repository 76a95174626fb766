import type { TextKey } from '../../languages/text.ts';

/** The values of the claim `amr` (RFC 8176), each with the text of its label. */
export const amrLabels = { pwd: 'event.amr.pwd', otp: 'event.amr.otp' } as const satisfies Record<
  string,
  TextKey
>;

/** The authentication methods. To add a way to sign in, add a row. */
export const methods = {
  password: { amr: 'pwd', isRecentlyAuthenticated: true },
  /**
   * A code or link sent by email. Anyone with access to the open mailbox has it, so it does not count as
   * reauthentication.
   */
  email: { amr: 'otp', isRecentlyAuthenticated: false },
  /** The link printed when the server starts. RFC 8176 has no value for it. */
  setup_link: { amr: undefined, isRecentlyAuthenticated: false },
} as const satisfies Record<string, Method>;

interface Method {
  /** The value in the claim `amr` (RFC 8176), if there is one. */
  amr: keyof typeof amrLabels | undefined;
  /** Whether it counts as a recent authentication, which sensitive changes require. */
  isRecentlyAuthenticated: boolean;
}

/** An authentication method and when it was used, in milliseconds since 1970. */
export interface Shown {
  method: keyof typeof methods;
  at: number;
}

/** The `amr` claim of a session started with these methods, its values separated by spaces. */
export function amrOf(shown: readonly Shown[]): string {
  return [...new Set(shown.flatMap(({ method }) => methods[method].amr ?? []))].join(' ');
}

/** When the last method that counts as a recent authentication was used, in milliseconds since 1970; 0 if none was. */
export function freshAt(shown: readonly Shown[]): number {
  return Math.max(0, ...shown.map(({ method, at }) => (methods[method].isRecentlyAuthenticated ? at : 0)));
}
