import { type HttpBindings, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createUsher } from 'usher-auth';

const port = Number(process.env['PORT'] ?? 3000);
const usher = await createUsher({ publicUrl: process.env['PUBLIC_URL'] ?? `http://localhost:${port}` });

const home =
  '<a href="/sign-up?return_to=/api/hello">Sign up</a>, then open <a href="/api/hello">/api/hello</a>.';

const app = new Hono<{ Bindings: HttpBindings }>();

// A public route.
app.get('/', (c) => c.html(home));

// A protected route: it needs Usher's session cookie or an access token.
app.get('/api/hello', async (c) => {
  const caller = await usher.authenticate(c.req.raw, c.env);
  if (caller.error) return caller.error;
  return Response.json({ hello: caller.user.username }, { headers: caller.headers });
});

// Usher handles every other path.
app.all('*', (c) => usher.fetch(c.req.raw, c.env));

const server = serve({ fetch: app.fetch, port }, () => console.log(`Ready at http://localhost:${port}`));

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => server.close(() => void usher.close()));
