import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { inject } from 'vitest';
import todoApplication from '../../../../examples/todo/app.ts';
import { startHttpServer } from '../../src/platform/http-server.ts';
import { startApp, type TestApp } from './app.ts';
import type { TestDatabase } from './postgres.ts';

/** Usher with the to-do application in front, as `npm start` serves them. */
export interface TodoServer {
  app: TestApp;
  /** The file of the to-dos. */
  file: string;
  stop(): Promise<void>;
}

export async function startTodos(database: TestDatabase): Promise<TodoServer> {
  const file = join(inject('folder'), `${randomUUID()}.todos.db`);
  let application: ReturnType<typeof todoApplication> | undefined;
  const server = await startHttpServer(
    (request, peer) => application?.fetch(request, peer) ?? new Response('', { status: 503 }),
    '127.0.0.1',
    0,
  );
  const url = `http://localhost:${server.port}`;
  const usher = await startApp(database, { publicUrl: url });
  application = todoApplication(usher.usher, file);
  return {
    app: { ...usher, port: server.port, url },
    file,
    async stop() {
      await server.stop(0);
      application?.close();
      await usher.stop();
    },
  };
}
