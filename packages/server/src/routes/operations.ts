import { z } from 'zod';
import { healthz, metrics, readyz } from '../flows/health/health.ts';
import { introspect, introspectBody, introspectionShape } from '../flows/tokens/introspect.ts';
import { jwks, jwksShape } from '../flows/tokens/jwks.ts';
import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';

/** For programs and operators: keys, introspection, health, metrics. */
export const operationRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/.well-known/jwks.json',
    access: 'public',
    summary: 'Get the JSON Web Key Set',
    responses: { 200: jwksShape },
    errors: [],
    handler: jwks,
  }),
  route({
    method: 'POST',
    path: '/v1/introspect',
    access: 'public',
    summary: 'Introspect an access token',
    body: introspectBody,
    responses: { 200: introspectionShape },
    errors: [],
    handler: introspect,
  }),
  route({
    method: 'GET',
    path: '/healthz',
    access: 'public',
    summary: 'Liveness check',
    anyHost: true,
    responses: { 200: z.object({ status: z.literal('ok') }) },
    errors: [],
    handler: healthz,
  }),
  route({
    method: 'GET',
    path: '/readyz',
    access: 'public',
    summary: 'Readiness check',
    anyHost: true,
    responses: { 200: z.object({ status: z.literal('ready') }) },
    errors: ['unavailable', 'stopping'],
    handler: readyz,
  }),
  route({
    method: 'GET',
    path: '/metrics',
    access: 'public',
    summary: 'Get Prometheus metrics',
    anyHost: true,
    responses: { 200: undefined },
    errors: ['unauthenticated', 'not_found'],
    handler: metrics,
  }),
];
