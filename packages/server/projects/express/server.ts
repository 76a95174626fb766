import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { createUsher } from 'usher-auth';

const port = Number(process.env['PORT'] ?? 3000);
const publicUrl = process.env['PUBLIC_URL'] ?? `http://localhost:${port}`;
const usher = await createUsher({ publicUrl });

const home =
  '<a href="/sign-up?return_to=/api/hello">Sign up</a>, then open <a href="/api/hello">/api/hello</a>.';

const app = express();

// A public route.
app.get('/', (_request, response) => void response.send(home));

// A protected route: it needs Usher's session cookie or an access token.
app.get('/api/hello', async (request, response) => {
  const headers = new Headers(request.headers as Record<string, string>);
  const asked = new Request(`${publicUrl}${request.originalUrl}`, { method: request.method, headers });
  const caller = await usher.authenticate(asked, { incoming: request });
  if (caller.error) {
    response.status(caller.error.status).setHeaders(caller.error.headers);
    response.end(await caller.error.text());
    return;
  }
  response.setHeaders(caller.headers);
  response.json({ hello: caller.user.username });
});

// Usher handles every other path. It reads bodies itself: add parsers such as express.json() to your own routes only.
app.use(getRequestListener(usher.fetch));

const server = app.listen(port, () => console.log(`Ready at http://localhost:${port}`));

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => server.close(() => void usher.close()));
