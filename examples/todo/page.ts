import type { Context, Hono, Next } from 'hono';
import { html } from 'hono/html';
import type { Guarded } from './app.ts';
import { MOST, newTodo, type Todo, type Todos } from './todos.ts';

type Signed = (c: Context<Guarded>, next: Next) => Promise<Response | undefined>;

/** No inline code, no other origins, no scripts. */
const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The page `/todos`: plain forms, so it works without scripts. Each form redirects back to the page. */
export function addPage(app: Hono<Guarded>, todos: Todos, signedIn: Signed): void {
  app.use('/todos/*', async (c, next) => {
    const rejection = await signedIn(c, next);
    c.header('cache-control', 'no-store');
    // Users who must sign in or choose a new password are redirected, and return here afterwards.
    if (rejection?.status === 401) return c.redirect('/sign-in?return_to=/todos', 303);
    if (rejection?.status === 403 && c.req.method === 'GET')
      return c.redirect('/dashboard/security?return_to=/todos', 303);
    return rejection;
  });

  const show = (c: Context<Guarded>, typed = '', error?: string) => {
    const page = todos.list(c.var.user.id, 20, c.req.query('cursor'));
    c.header('content-security-policy', policy);
    c.header('x-content-type-options', 'nosniff');
    // With `no-referrer` a browser sends our own forms with `Origin: null`, which is rejected.
    c.header('referrer-policy', 'same-origin');
    return c.html(document(c.var.user.username, page, typed, error), error ? 400 : 200);
  };

  app.get('/todos', (c) => show(c));
  app.post('/todos', async (c) => {
    const { text } = await c.req.parseBody();
    const { data, error } = newTodo.safeParse({ text });
    if (error) return show(c, String(text ?? ''), error.issues[0]?.message);
    const todo = todos.add(c.var.user.id, data);
    return todo ? c.redirect('/todos', 303) : show(c, data.text, `The limit is ${MOST} to-dos.`);
  });
  app.post('/todos/:id/:act{complete|reopen|delete}', (c) => {
    const { id, act } = c.req.param();
    // A to-do that is already deleted needs no error: the page shows the current list.
    if (act === 'delete') todos.remove(c.var.user.id, id);
    else todos.change(c.var.user.id, id, { complete: act === 'complete' });
    return c.redirect('/todos', 303);
  });
}

// Values in ${} are escaped.
const document = (
  username: string,
  page: ReturnType<Todos['list']>,
  typed: string,
  error?: string,
) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>To-dos</title>
    <link rel="stylesheet" href="/assets/usher.css">
  </head>
  <body class="reading">
    <header class="top">
      <a class="brand" href="/todos"><span>To-dos</span></a>
      <a href="/dashboard">${username}</a>
    </header>
    <main id="content">
      <h1>To-dos</h1>
      <form method="post" action="/todos">
        <p class="field">
          <label for="text">What needs to be done?</label>
          <input id="text" name="text" value="${typed}" required maxlength="500" autocomplete="off"
            ${error ? html`aria-invalid="true" aria-describedby="text-error"` : ''}>
          ${error ? html`<span id="text-error" class="error">${error}</span>` : ''}
        </p>
        <p class="actions"><button type="submit" class="button">Add</button></p>
      </form>
      ${page.todos.length === 0 ? html`<p class="empty">No to-dos yet.</p>` : html`<ul class="rows">${page.todos.map(item)}</ul>`}
      ${page.next_cursor ? html`<p><a href="/todos?cursor=${page.next_cursor}">Older</a></p>` : ''}
    </main>
  </body>
</html>`;

const item = ({ id, text, complete }: Todo) => html`
  <li>
    <p>${complete ? html`<s>${text}</s> <span class="badge good">Done</span>` : text}</p>
    <div class="actions">
      ${complete ? button(id, 'reopen', 'Reopen', text) : button(id, 'complete', 'Complete', text)}
      ${button(id, 'delete', 'Delete', text)}
    </div>
  </li>`;

const button = (id: string, act: string, label: string, text: string) => html`
  <form class="inline" method="post" action="/todos/${id}/${act}">
    <button type="submit" class="button plain small" aria-label="${label}: ${text}">${label}</button>
  </form>`;
