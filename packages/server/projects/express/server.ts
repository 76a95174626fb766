import { getRequestListener } from '@hono/node-server';
import { authOf, tokenRequired } from '@usher-auth/guard/express';
import express from 'express';
import { createUsher } from 'usher-auth';

const port = Number(process.env['PORT'] ?? 3000);
const publicUrl = process.env['PUBLIC_URL'] ?? `http://localhost:${port}`;
const usher = await createUsher({ publicUrl });

const app = express();

// Anybody may see this.
app.get('/', (_request, response) => void response.send('Try /api/hello, with a token for services.'));

// Only for who has an access token for services: POST /v1/token gives one to whoever is signed in.
app.get('/api/hello', tokenRequired({ issuer: publicUrl }), (request, response) => {
  response.json({ hello: authOf(request).userId });
});

// All else is Usher's. It reads its bodies itself: parsers such as express.json() belong on your own routes.
app.use(getRequestListener(usher.fetch));

const server = app.listen(port, () => console.log(`Ready at http://localhost:${port}`));

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => server.close(() => void usher.close()));
