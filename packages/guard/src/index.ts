export type { Clock } from './clock.ts';
export { GuardError, type GuardErrorCode } from './error.ts';
export { type Auth, createGuard, type Guard, type GuardOptions, type Needs } from './guard.ts';
export type { Role } from './role.ts';
