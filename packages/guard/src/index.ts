export type { Clock } from './clock.ts';
export { type Auth, createGuard, type Guard, type GuardOptions, type Needs } from './guard.ts';
export { GuardRefusal, type RefusalCode } from './refusal.ts';
export type { Role } from './role.ts';
