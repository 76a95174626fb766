import type { Figure, Part } from './figures.ts';
import { ratios } from './figures.ts';
import { type Ask, applyLoad, requestText } from './load.ts';
import { HOST, SEEDED_FLAGS, seed } from './seed.ts';
import { type Server, startBare, startUsher } from './servers.ts';

const SESSIONS = 10_000;
const CONNECTIONS = 16;
/** Requests a second at a moderate load. */
const MODERATE = 3_000;

/** Rounds, and how long a contender is measured in each; milliseconds. */
const moderate = { rounds: 6, duration: 1_700, rate: MODERATE };
const full = { rounds: 5, duration: 900, rate: undefined };
const WARM_UP = 1_500;

/** One that is measured: a server, and what it is asked. */
interface Contender {
  name: string;
  server: Server;
  next: () => Ask;
  /** The contender that answers the same without Usher; the bare route itself has none. */
  against?: Contender;
  aim?: number;
  /** Requests a second that it is never asked more of: each of the many sessions asks once a second, not oftener. */
  mostRate?: number;
  cpu: number[];
  perSecond: number[];
}

/** `GET /v1/me` against the bare route, at a moderate load and at full throttle. */
export async function measureMe(folder: string): Promise<Part[]> {
  const { cookies, bearer } = await seed(folder, SESSIONS);
  const bare = await startBare(folder);
  const usher = await startUsher(folder, [...SEEDED_FLAGS, '--token-minutes', '60'], true);
  const renewals = { answers: 0, renewed: 0 };
  const contenders = contend(bare, usher, cookies, bearer, renewals);
  try {
    for (const contender of contenders) await measure(contender, { duration: WARM_UP, rate: undefined });
    const parts: Part[] = [];
    for (const load of [moderate, full]) {
      for (const contender of contenders) Object.assign(contender, { cpu: [], perSecond: [] });
      Object.assign(renewals, { answers: 0, renewed: 0 });
      // Round by round, one after the other, so that whatever else the machine does meets all of them alike.
      for (let round = 0; round < load.rounds; round++)
        for (const contender of contenders) {
          const { cpu, perSecond } = await measure(contender, load);
          contender.cpu.push(cpu);
          contender.perSecond.push(perSecond);
        }
      parts.push(describe(contenders, load.rate, renewals));
    }
    return parts;
  } finally {
    await Promise.all([bare.stop(), usher.stop()]);
  }
}

async function measure(
  { server, next, mostRate }: Contender,
  { duration, rate = mostRate }: { duration: number; rate: number | undefined },
): Promise<{ cpu: number; perSecond: number }> {
  const before = await server.cpu();
  const load = { port: server.port, connections: CONNECTIONS, duration, next };
  const { answers, perSecond } = await applyLoad(rate === undefined ? load : { ...load, rate });
  return { cpu: ((await server.cpu()) - before) / answers, perSecond };
}

function contend(
  bare: Server,
  usher: Server,
  cookies: string[],
  bearer: string,
  renewals: { answers: number; renewed: number },
): Contender[] {
  const one = browsers(cookies.slice(0, 1));
  const bareCookie = contender('the bare route, given the cookie', bare, one);
  const bareBearer = contender('the bare route, given the token', bare, program(bearer));
  const many = browsers(cookies, (renewed) => {
    renewals.answers++;
    if (renewed) renewals.renewed++;
  });
  return [
    bareCookie,
    { ...contender('one busy session, by cookie', usher, one), against: bareCookie, aim: 1.6 },
    {
      ...contender(`${SESSIONS.toLocaleString('en')} sessions, every answer renews`, usher, many),
      against: bareCookie,
      aim: 2,
      mostRate: SESSIONS,
    },
    bareBearer,
    {
      ...contender('one busy session, by bearer token', usher, program(bearer)),
      against: bareBearer,
      aim: 1.6,
    },
  ];
}

const contender = (name: string, server: Server, next: () => Ask): Contender => ({
  name,
  server,
  next,
  cpu: [],
  perSecond: [],
});

const BROWSER = {
  Host: HOST,
  Connection: 'keep-alive',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'application/json',
  'Accept-Language': 'en-US,en;q=0.5',
  'Accept-Encoding': 'gzip, deflate, br',
  'Sec-Fetch-Dest': 'empty',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Site': 'same-origin',
};

/** Browsers that ask in turn; each keeps the newest cookie that it was given. */
function browsers(cookies: string[], heard: (renewed: boolean) => void = () => {}): () => Ask {
  const write = (cookie: string) => requestText('GET', '/v1/me', { ...BROWSER, Cookie: `usher=${cookie}` });
  const texts = cookies.map(write);
  let turn = 0;
  return () => {
    const mine = turn;
    turn = (turn + 1) % texts.length;
    const answered = (head: string) => {
      const renewed = /\r\nset-cookie: usher=([^;]+)/i.exec(head)?.[1];
      if (renewed !== undefined) texts[mine] = write(renewed);
      heard(renewed !== undefined);
    };
    return { text: texts[mine] ?? '', answered };
  };
}

function program(token: string): () => Ask {
  const headers = { Host: HOST, 'User-Agent': 'bench', Accept: '*/*', Authorization: `Bearer ${token}` };
  const ask = { text: requestText('GET', '/v1/me', headers) };
  return () => ask;
}

function describe(
  contenders: Contender[],
  rate: number | undefined,
  { answers, renewed }: { answers: number; renewed: number },
): Part {
  const figures: Figure[] = [];
  for (const { name, cpu, perSecond, against, aim, mostRate } of contenders) {
    figures.push({ name: `CPU: ${name}`, unit: 'µs/request', values: cpu });
    if (against && aim)
      figures.push({
        name: '  to the bare route',
        unit: 'times',
        values: ratios(cpu, against.cpu),
        aim: { most: aim },
      });
    if (rate !== undefined) continue;
    figures.push({ name: '  answers', unit: 'a second', values: perSecond });
    if (against)
      figures.push({
        name: '  to the bare route',
        unit: 'times',
        values: ratios(perSecond, against.perSecond),
      });
    if (mostRate !== undefined)
      figures.push({
        name: '  each session asks every',
        unit: 's',
        values: perSecond.map((answers) => SESSIONS / answers),
      });
  }
  figures.push({
    name: 'answers that renewed, of the many sessions',
    unit: '%',
    values: [(100 * renewed) / answers],
  });
  const load = rate === undefined ? 'at full throttle' : `at ${rate.toLocaleString('en')} requests a second`;
  return { title: `me: GET /v1/me ${load}, over ${CONNECTIONS} connections`, figures };
}
