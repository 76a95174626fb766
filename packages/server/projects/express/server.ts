import { getRequestListener } from '@hono/node-server';
import { authOf, tokenRequired } from '@usher-auth/guard/express';
import express from 'express';
import { createUsher } from 'usher-auth';

const port = Number(process.env['PORT'] ?? 3000);
const publicUrl = process.env['PUBLIC_URL'] ?? `http://localhost:${port}`;
const usher = await createUsher({ publicUrl });

const app = express();

// A public route.
app.get('/', (_request, response) => void response.send('Try /api/hello, with a token for services.'));

// A protected route: it needs an access token for services, which signed-in users get from POST /v1/token.
app.get('/api/hello', tokenRequired({ issuer: publicUrl }), (request, response) => {
  response.json({ hello: authOf(request).userId });
});

// Usher handles every other path. It reads bodies itself: add parsers such as express.json() to your own routes only.
app.use(getRequestListener(usher.fetch));

const server = app.listen(port, () => console.log(`Ready at http://localhost:${port}`));

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => server.close(() => void usher.close()));
