import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

const text = z
  .string('Text is required')
  .trim()
  .min(1, 'Text is required')
  .max(500, 'Use 500 characters or fewer');
export const newTodo = z.strictObject({ text, complete: z.boolean().default(false) });
export const wholeTodo = z.strictObject({ text, complete: z.boolean('Use true or false') });
export const todoChange = wholeTodo
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'Provide "text", "complete" or both');

export interface Todo {
  id: string;
  text: string;
  complete: boolean;
  created_at: string;
  completed_at: string | null;
}

/** The maximum number of to-dos per user. */
export const MOST = 1_000;

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS todos (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    completed_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS todos_of_user ON todos (user_id, number);
`;

export type Todos = ReturnType<typeof openTodos>;

/** The to-dos of all users, in one file. Every statement names the user, so another user's row is never found. */
export function openTodos(file: string) {
  closeSync(openSync(file, 'a', 0o600));
  const db = new DatabaseSync(file);
  db.exec(schema);
  const listing = db.prepare(`SELECT * FROM todos WHERE user_id = :user AND number <
    coalesce((SELECT number FROM todos WHERE id = :after AND user_id = :user), 9e15) ORDER BY number DESC LIMIT :limit`);
  const finding = db.prepare('SELECT * FROM todos WHERE id = :id AND user_id = :user');
  // One statement, so that many requests at once cannot pass the quota together.
  const adding = db.prepare(`INSERT INTO todos (id, user_id, text, created_at, completed_at)
    SELECT :id, :user, :text, :now, iif(:complete, :now, NULL)
    WHERE (SELECT count(*) FROM todos WHERE user_id = :user) < ${MOST} RETURNING *`);
  const changing = db.prepare(`UPDATE todos SET text = coalesce(:text, text), completed_at = CASE :complete
    WHEN 1 THEN coalesce(completed_at, :now) WHEN 0 THEN NULL ELSE completed_at END
    WHERE id = :id AND user_id = :user RETURNING *`);
  const removing = db.prepare('DELETE FROM todos WHERE id = :id AND user_id = :user');

  return {
    /** A page of to-dos, newest first; `after` is the id of the last one on the previous page. */
    list(user: string, limit: number, after?: string): { todos: Todo[]; next_cursor: string | null } {
      const rows = listing.all({ user, after: after ?? null, limit: limit + 1 }).map(show);
      const todos = rows.slice(0, limit);
      return { todos, next_cursor: rows.length > limit ? (todos.at(-1)?.id ?? null) : null };
    },
    find: (user: string, id: string) => showOne(finding.get({ user, id })),
    /** @returns undefined when the user has reached the limit. */
    add: (user: string, { text, complete }: z.infer<typeof newTodo>) =>
      showOne(adding.get({ user, id: randomUUID(), text, complete: Number(complete), now: Date.now() })),
    /** Changes the given fields. @returns undefined when the user has no such to-do. */
    change: (user: string, id: string, { text, complete }: z.infer<typeof todoChange>) => {
      const done = complete === undefined ? null : Number(complete);
      return showOne(changing.get({ user, id, text: text ?? null, complete: done, now: Date.now() }));
    },
    remove: (user: string, id: string): boolean => removing.run({ user, id }).changes === 1,
    close: () => db.close(),
  };
}

type Row = Record<string, unknown>;

const showOne = (row: Row | undefined): Todo | undefined => (row ? show(row) : undefined);

/** Field by field, so that a new column is not exposed by accident. */
const show = (row: Row): Todo => ({
  id: String(row['id']),
  text: String(row['text']),
  complete: row['completed_at'] !== null,
  created_at: new Date(Number(row['created_at'])).toISOString(),
  completed_at: row['completed_at'] === null ? null : new Date(Number(row['completed_at'])).toISOString(),
});
