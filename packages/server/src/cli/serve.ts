import type { Command } from 'commander';
import { importApp } from './serve-app.ts';
import { settingsOf, withSettings } from './settings.ts';

export function addServe(program: Command, version: string): void {
  withSettings(program.command('serve'))
    .description('Start the server.')
    .option('--app <file>', 'Module whose default export creates your app. Receives the Usher instance.')
    .addHelpText(
      'after',
      '\nExamples:\n  usher serve --port 4000 --host 127.0.0.1\n  usher serve --app ./app.ts',
    )
    .action(async ({ app }: { app?: string }, command: Command) => {
      const settings = settingsOf(command);
      const makeApp = app === undefined ? undefined : await importApp(app);
      // Only this command needs all pages and routes; without them, the others start in half the time.
      const { runServer } = await import('./run-server.ts');
      await runServer(settings, version, makeApp);
    });
}
