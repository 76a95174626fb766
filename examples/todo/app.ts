// A to-do list for each user: the API is here, the rows are in todos.ts, the page in page.ts. `npm start` serves it.
import { type Context, Hono, type Next } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Caller, Peer, Usher } from 'usher-auth';
import { z } from 'zod';
import { addPage } from './page.ts';
import { MOST, newTodo, openTodos, todoChange, wholeTodo } from './todos.ts';

/** The variables of a protected route: the current user, as stored in Usher. */
export interface Guarded {
  Bindings: Peer;
  Variables: { user: Extract<Caller, { user: unknown }>['user'] };
}

const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.uuid().optional(),
});

/** @param file The database file: TODOS_FILE, or `todos.db` in the working directory. */
export default function todoApplication(usher: Usher, file = process.env['TODOS_FILE'] ?? 'todos.db') {
  const todos = openTodos(file);
  const app = new Hono<Guarded>();

  /** Lets signed-in users through. Reads the body first: a session revoked while it arrives must not act with it. */
  const signedIn = async (c: Context<Guarded>, next: Next): Promise<Response | undefined> => {
    await c.req.arrayBuffer();
    const caller = await usher.authenticate(c.req.raw, c.env);
    if (caller.error) return caller.error;
    c.set('user', caller.user);
    await next();
    // The renewed cookie, and headers that forbid caching.
    for (const [name, value] of caller.headers) c.header(name, value, { append: name === 'set-cookie' });
    return undefined;
  };
  const isSmall = bodyLimit({ maxSize: 16_384, onError: (c) => reject(c, 413, 'content_too_large') });
  app.use('/api/todos/*', isSmall).use('/todos/*', isSmall);

  const api = new Hono<Guarded>();
  api.use(signedIn);

  api.get('/', (c) => {
    const { data, error } = listQuery.safeParse(c.req.query());
    return error ? rejectInput(c, error) : c.json(todos.list(c.var.user.id, data.limit, data.cursor));
  });
  api.post('/', async (c) => {
    const { data, error } = newTodo.safeParse(await readJson(c));
    if (error) return rejectInput(c, error);
    const todo = todos.add(c.var.user.id, data);
    return todo ? c.json({ todo }, 201) : reject(c, 409, 'quota_reached', `The limit is ${MOST} to-dos.`);
  });
  api.get('/:id', (c) => {
    const todo = todos.find(c.var.user.id, c.req.param('id'));
    return todo ? c.json({ todo }) : reject(c, 404, 'not_found');
  });
  // To complete a to-do, send PATCH {"complete": true}.
  for (const [method, shape] of [
    ['PUT', wholeTodo],
    ['PATCH', todoChange],
  ] as const)
    api.on(method, '/:id', async (c) => {
      const { data, error } = shape.safeParse(await readJson(c));
      if (error) return rejectInput(c, error);
      const todo = todos.change(c.var.user.id, c.req.param('id'), data);
      return todo ? c.json({ todo }) : reject(c, 404, 'not_found');
    });
  api.delete('/:id', (c) =>
    todos.remove(c.var.user.id, c.req.param('id')) ? c.body(null, 204) : reject(c, 404, 'not_found'),
  );
  app.route('/api/todos', api);
  addPage(app, todos, signedIn);

  // Usher handles everything else: its pages, its API and the 404.
  app.all('*', (c) => usher.fetch(c.req.raw, c.env));
  return { fetch: app.fetch, home: { name: 'To-dos', path: '/todos' }, close: todos.close };
}

/** The body, or undefined if it is not JSON; the schema then names the problem. */
const readJson = (c: Context): Promise<unknown> => c.req.json().catch(() => undefined);

const rejectInput = (c: Context, { issues }: z.ZodError): Response =>
  reject(
    c,
    400,
    'invalid_request',
    'One or more fields are invalid. See `errors`.',
    issues.map(({ path, message }) => ({ field: path.join('.'), message })),
  );

const titles = {
  invalid_request: 'Invalid request',
  not_found: 'Not found',
  content_too_large: 'Request too large',
  quota_reached: 'Too many to-dos',
};

/** A problem document (RFC 9457), like Usher's own errors. */
function reject(
  c: Context,
  status: 400 | 404 | 409 | 413,
  code: keyof typeof titles,
  message?: string,
  errors?: object[],
) {
  const title = titles[code];
  const body = { type: 'about:blank', title, status, code, message: message ?? `${title}.`, errors };
  return c.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json; charset=utf-8' });
}
