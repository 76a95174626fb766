import { z } from 'zod';
import { type Route, route } from './http/route.ts';
import { docsPage } from './pages/docs.tsx';
import { openApiBytes, openApiOf } from './pages/openapi.ts';
import { accountRoutes } from './routes/account.ts';
import { accountPageRoutes } from './routes/account-pages.ts';
import { adminRoutes } from './routes/admin.ts';
import { adminPageRoutes } from './routes/admin-pages.ts';
import { operationRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/pages.ts';
import { recoveryRoutes } from './routes/recovery.ts';
import { signInRoutes } from './routes/sign-in.ts';

/** Every URL: who may call it, its input, its responses and its handler. */
export const routes: readonly Route[] = [
  ...signInRoutes,
  ...recoveryRoutes,
  ...accountRoutes,
  ...adminRoutes,
  ...operationRoutes,
  ...pageRoutes,
  ...accountPageRoutes,
  ...adminPageRoutes,

  // These two describe the whole table.
  route({
    method: 'GET',
    path: '/openapi.json',
    access: 'public',
    summary: 'Get the OpenAPI document',
    responses: { 200: z.looseObject({ openapi: z.literal('3.1.1') }) },
    errors: [],
    handler: ({ publicUrl }) => {
      const bytes = openApiBytes(routes, publicUrl);
      return { status: 200, bytes, shared: bytes, type: 'application/json; charset=utf-8' };
    },
  }),
  route({
    method: 'GET',
    path: '/docs',
    access: 'public',
    summary: 'API reference page',
    isPage: true,
    responses: { 200: undefined },
    errors: [],
    handler: (context, call) => docsPage(context, call, openApiOf(routes, context.publicUrl)),
  }),
];
