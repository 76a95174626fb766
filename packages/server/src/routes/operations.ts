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
    summary: 'Get the JSON Web Key Set',
    answers: { 200: jwksShape },
    errors: [],
    handler: jwks,
  }),
  route({
    method: 'POST',
    path: '/v1/introspect',
    who: 'anyone',
    summary: 'Introspect an access token',
    body: introspectBody,
    answers: { 200: introspectionShape },
    errors: [],
    handler: introspect,
  }),
  route({
    method: 'GET',
    path: '/healthz',
    who: 'anyone',
    summary: 'Liveness check',
    anyHost: true,
    answers: { 200: z.object({ status: z.literal('ok') }) },
    errors: [],
    handler: healthz,
  }),
  route({
    method: 'GET',
    path: '/readyz',
    who: 'anyone',
    summary: 'Readiness check',
    anyHost: true,
    answers: { 200: z.object({ status: z.literal('ready') }) },
    errors: ['unavailable', 'stopping'],
    handler: readyz,
  }),
  route({
    method: 'GET',
    path: '/metrics',
    who: 'anyone',
    summary: 'Get Prometheus metrics',
    anyHost: true,
    answers: { 200: undefined },
    errors: ['unauthenticated', 'not_found'],
    handler: metrics,
  }),
];
