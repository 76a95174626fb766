import { z } from 'zod';
import type { Route } from '../edge/route.ts';
import { route } from '../edge/route.ts';
import { healthz, metrics, readyz } from '../flows/health/health.ts';
import { introspect, introspectBody, introspectionShape } from '../flows/tokens/introspect.ts';
import { jwks, jwksShape } from '../flows/tokens/jwks.ts';

/** For programs and operators: keys, introspection, health, metrics. */
export const operationRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/.well-known/jwks.json',
    who: 'anyone',
    summary: 'The public keys that verify access tokens',
    answers: { 200: jwksShape },
    errors: [],
    handler: jwks,
  }),
  route({
    method: 'POST',
    path: '/v1/introspect',
    who: 'anyone',
    summary: 'For services: whether the session of an access token is active, and the role of its user',
    body: introspectBody,
    answers: { 200: introspectionShape },
    errors: [],
    handler: introspect,
  }),
  route({
    method: 'GET',
    path: '/healthz',
    who: 'anyone',
    summary: 'Whether the process is alive',
    anyHost: true,
    answers: { 200: z.object({ status: z.literal('ok') }) },
    errors: [],
    handler: healthz,
  }),
  route({
    method: 'GET',
    path: '/readyz',
    who: 'anyone',
    summary: 'Whether requests may be sent here',
    anyHost: true,
    answers: { 200: z.object({ status: z.literal('ready') }) },
    errors: ['unavailable', 'stopping'],
    handler: readyz,
  }),
  route({
    method: 'GET',
    path: '/metrics',
    who: 'anyone',
    summary: 'Metrics for Prometheus; needs the bearer token of USHER_METRICS_TOKEN',
    anyHost: true,
    answers: { 200: undefined },
    errors: ['unauthenticated', 'not_found'],
    handler: metrics,
  }),
];
