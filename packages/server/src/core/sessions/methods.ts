/** What a person can show to prove who they are. A new way to sign in is a row here. */
export const methods = {
  password: { amr: 'pwd', isRecentlyAuthenticated: true },
  /** A code or link from the mailbox. Whoever found a mailbox open has it too, so it is no fresh sign-in. */
  email: { amr: 'otp', isRecentlyAuthenticated: false },
  /** The link that a start prints. RFC 8176 has no value for it. */
  setup_link: { amr: undefined, isRecentlyAuthenticated: false },
} as const satisfies Record<string, Method>;

interface Method {
  /** The value in the claim `amr` (RFC 8176), if there is one. */
  amr: string | undefined;
  /** Whether it counts as a fresh sign-in, which sensitive changes need. */
  isRecentlyAuthenticated: boolean;
}

/** One method, and when it was shown, in milliseconds since 1970. */
export interface Shown {
  method: keyof typeof methods;
  at: number;
}

/** The claim `amr` of a session that began with these methods, its values separated by spaces. */
export function amrOf(shown: readonly Shown[]): string {
  return [...new Set(shown.flatMap(({ method }) => methods[method].amr ?? []))].join(' ');
}

/** When the last method was shown that counts as a fresh sign-in, in milliseconds since 1970; 0 when none was. */
export function freshAt(shown: readonly Shown[]): number {
  return Math.max(0, ...shown.map(({ method, at }) => (methods[method].isRecentlyAuthenticated ? at : 0)));
}
