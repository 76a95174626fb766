import { connect } from 'node:net';
import { resolve } from 'node:path';
import type { Figure, Part } from './figures.ts';
import { requestText } from './load.ts';
import { HOST, SEEDED_FLAGS, seed } from './seed.ts';
import { startUsher } from './servers.ts';

type OpenContext = typeof import('../packages/server/src/open-context.ts');
type Configs = typeof import('../packages/server/src/config.ts');
type Users = typeof import('../packages/server/src/core/users.ts');

const built = resolve(import.meta.dirname, '../packages/server/dist');
const { openContext }: OpenContext = await import(`${built}/open-context.js`);
const { configFromOptions }: Configs = await import(`${built}/config.js`);
const { findByIdentifier, promote }: Users = await import(`${built}/core/users.js`);

/** So many that a page of a list is full. */
const USERS = 120;

const forAnyone = ['/sign-in', '/sign-up', '/forgot-password', '/', '/docs'];
const forUsers = ['/dashboard', '/dashboard/security', '/dashboard/sessions', '/dashboard/activity'];
const forAdmins = [
  '/admin?span=month',
  '/admin/users',
  '/admin/users/:id',
  '/admin/events',
  '/admin/settings',
];

/** What a browser is given that has nothing yet: the page and all that it loads, heads and bodies as they come over the line. */
export async function measurePages(folder: string): Promise<Part[]> {
  const { usernames, cookies } = await seed(folder, USERS);
  const id = await makeAdmin(folder, usernames[0] ?? '');
  const server = await startUsher(folder, SEEDED_FLAGS, false);
  try {
    const weigh = async (path: string, cookie?: string): Promise<Figure[]> => {
      const page = await load(server.port, path.replace(':id', id), cookie);
      let total = page.bytes;
      const { text } = await load(server.port, path.replace(':id', id), cookie, 'identity');
      for (const asset of assetsIn(text)) total += (await load(server.port, asset, cookie)).bytes;
      const aim = path === '/sign-in' ? { aim: { most: 30 } } : {};
      return [
        { name: path, unit: 'kB', values: [total / 1000], ...aim },
        { name: '  the page alone', unit: 'kB', values: [page.bytes / 1000] },
      ];
    };
    const figures: Figure[] = [];
    for (const path of forAnyone) figures.push(...(await weigh(path)));
    for (const path of forUsers) figures.push(...(await weigh(path, cookies[1])));
    for (const path of forAdmins) figures.push(...(await weigh(path, cookies[0])));
    return [{ title: 'pages: what a first visit weighs, the icon included', figures }];
  } finally {
    await server.stop();
  }
}

/** @returns The user's id. */
async function makeAdmin(folder: string, username: string): Promise<string> {
  const database = `sqlite:${resolve(folder, 'usher.db')}`;
  const { context, close } = await openContext(configFromOptions({ database, logLevel: 'silent' }));
  const user = await findByIdentifier(context.db, 'username', username);
  if (!user) throw new Error(`There is no ${username}.`);
  await context.db.transaction().execute((tx) => promote(tx, user.id, context.clock.now()));
  await close();
  return user.id;
}

/** The addresses of style sheets, scripts and pictures; a style sheet of ours loads nothing more. */
const assetsIn = (html: string): Set<string> =>
  new Set(
    [...html.matchAll(/<(?:link|script|img)\b[^>]*?(?:href|src)="([^"]+)"/g)].map(([, address = '']) =>
      address.replaceAll('&amp;', '&'),
    ),
  );

interface Loaded {
  bytes: number;
  text: string;
}

const BROWSER = 'gzip, deflate, br, zstd';

/** Asks as a browser does, and counts every byte that comes back. */
function load(port: number, path: string, cookie: string | undefined, encodings = BROWSER): Promise<Loaded> {
  const text = requestText('GET', path, {
    Host: HOST,
    Accept: 'text/html',
    'Accept-Encoding': encodings,
    ...(cookie === undefined ? {} : { Cookie: `usher=${cookie}` }),
    Connection: 'close',
  });
  return new Promise((fulfil, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
    socket.on('end', () => {
      const answer = Buffer.concat(chunks);
      const isGood = answer.subarray(9, 12).toString() === '200';
      if (isGood) fulfil({ bytes: answer.length, text: answer.toString() });
      else reject(new Error(`${path} answered ${answer.toString().split('\r\n', 1)[0]}`));
    });
  });
}
