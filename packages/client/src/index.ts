export type { Calls, Event, Problem, Session, TokenPair, User } from './api.ts';
export type { Change } from './changes.ts';
export { type Client, type ClientOptions, createClient } from './client.ts';
export type { Clock } from './clock.ts';
export { type ErrorCode, type Result, UsherError } from './error.ts';
export { type TokenStorage, webStorage } from './storage.ts';
