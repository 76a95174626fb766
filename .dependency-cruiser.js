// The arrows of the house (ARCHITECTURE.md draws them), and what may be imported only in one place. Run and counted
// by scripts/check-arrows.ts; packages/server/test/house.test.ts breaks every rule once, to see that it bites.

/** Who points at whom, directly. What can be reached in several steps may also be imported in one. */
const arrows = {
  main: ['cli'],
  cli: ['app', 'core'],
  app: ['routes', 'open-context'],
  'open-context': ['jobs', 'pages'],
  jobs: ['core'],
  routes: ['flows', 'pages'],
  flows: ['http'],
  pages: ['flows', 'http'],
  http: ['context'],
  context: ['core'],
  core: ['platform'],
  platform: [],
};

/** Tables that anyone may read. */
const leaves = ['errors', 'events', 'config', 'user-fields', 'languages'];

/** The leaf of the texts for people, which reports errors of settings, and in which other leaves name their texts. */
const texts = ['languages', 'config'];

/** Folders of flows with what several flows begin or end with; any flow may import them. */
const steps = ['accounts', 'emails', 'limits', 'passwords', 'sessions', 'shapes', 'verifications'];

const src = '^packages/server/src/';
const at = (place) => `${src}${place}(/|\\.tsx?$)`;
const reach = (place) => [...new Set(arrows[place].flatMap((next) => [next, ...reach(next)]))];
const EXIT = `${src}flows/sessions/finish-sign-in\\.ts$`;
const START_SESSION = `${src}core/sessions/start\\.ts$`;
const USER_LOCK = `${src}core/users/lock\\.ts$`;
const SIGN_IN_PROOF = `${src}flows/sessions/sign-in-proof\\.ts$`;
/** Files that check what a sign-in is based on. */
const checksSecrets = [
  `${src}flows/passwords/authenticate-with-password\\.ts$`,
  `${src}flows/accounts/make-account\\.ts$`,
  `${src}flows/sign-in/`,
];
const npm = (...names) => `(^|node_modules/)(${names.join('|')})(/|$)`;
const builtin = (...names) => `^(node:)?(${names.join('|')})(/|$)`;

const pointsDown = Object.keys(arrows).map((place) => ({
  name: `${place}-points-down`,
  comment: `Arrows point down only: from ${place} one reaches ${reach(place).join(', ') || 'nothing'}${place === 'platform' ? ' of ours' : ''}. A change below then never needs a look above.`,
  severity: 'error',
  from: { path: at(place) },
  to: { path: src, pathNot: [place, ...reach(place), ...leaves].map(at) },
}));

export default {
  forbidden: [
    ...pointsDown,
    {
      name: 'known-place',
      comment:
        'Every file lies in a place that has arrows. A new place is a decision: give it its arrows here.',
      severity: 'error',
      from: { path: src, pathNot: [...Object.keys(arrows), ...leaves].map(at) },
      to: {},
    },
    {
      name: 'leaves-import-nothing',
      comment:
        'Errors, events, settings and messages are tables that anyone reads; they know nothing of the rest, so no circle runs through them.',
      severity: 'error',
      from: { path: leaves.map(at) },
      to: { path: '^packages/', pathNot: texts.map(at) },
    },
    {
      name: 'flow-folders-apart',
      comment:
        'A flow can be read and changed alone. What several flows begin or end with lies in a folder that all may import (`steps`), and imports none of the others.',
      severity: 'error',
      from: { path: `${src}flows/([^/]+)/` },
      to: { path: `${src}flows/`, pathNot: [`${src}flows/$1/`, `${src}flows/(${steps.join('|')})/`] },
    },
    {
      name: 'pages-through-flows',
      comment:
        'A page shows what a flow answers. It may name the types of core, but calls nothing of it: a rule that a page holds is missing from the API and the commands.',
      severity: 'error',
      from: { path: at('pages') },
      to: { path: at('core'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'flows-in-folders',
      comment: 'A flow lies in the folder of its subject, so that it is found by what it does.',
      severity: 'error',
      from: { path: `${src}flows/[^/]+$` },
      to: {},
    },
    {
      name: 'core-files-apart',
      comment:
        'A noun owns its tables and its invariants alone. Flows combine nouns; ids and values cross, handles do not. A noun is a file, or a folder, or both of one name. The lock on a user is the one value that other nouns ask for.',
      severity: 'error',
      from: { path: `${src}core/([^/.]+)` },
      to: { path: `${src}core/`, pathNot: [`${src}core/$1[/.]`, USER_LOCK] },
    },
    {
      name: 'one-exit',
      comment:
        'Every way to sign in ends in one file, which decides whether the proof is enough. A flow that starts a session by itself would pass by second factors, notices and events.',
      severity: 'error',
      from: { path: src, pathNot: EXIT },
      to: { path: START_SESSION },
    },
    {
      name: 'lock-taken-by-the-exit',
      comment:
        'Only the exit locks a user to start a session, so what asks for the lock can be called by nothing else. Others may name its type.',
      severity: 'error',
      from: { path: src, pathNot: EXIT },
      to: { path: USER_LOCK, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'proofs-where-secrets-are-checked',
      comment:
        'A proof of a sign-in is created by the file that checked the secret, and by nothing else. A new sign-in method is a file in flows/sign-in. Others may name the type.',
      severity: 'error',
      from: { path: src, pathNot: checksSecrets },
      to: { path: SIGN_IN_PROOF, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circles',
      comment: 'Files in a circle are one file that is hard to read, and the order they load in is luck.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'network-in-platform',
      comment:
        'Only platform opens sockets, so it is known who talks to the world, and a test can stand in for all of it.',
      severity: 'error',
      from: { path: src, pathNot: at('platform') },
      to: {
        path: [
          // node:net also tells one address from another: scripts/check-words.ts looks at the names.
          builtin('http', 'https', 'http2', 'tls', 'dns', 'dgram'),
          npm('@hono/node-server', 'nodemailer', 'undici', 'ws'),
        ],
      },
    },
    {
      name: 'sql-in-core',
      comment: 'SQL is written where the table is owned, so an invariant has one place to be kept.',
      severity: 'error',
      from: { path: '^packages/', pathNot: [at('core'), at('platform/db')] },
      to: { path: npm('kysely') },
    },
    {
      name: 'drivers-in-platform-db',
      comment: 'Two databases, one SQL: only platform/db knows which of them it is talking to.',
      severity: 'error',
      from: { path: '^packages/', pathNot: at('platform/db') },
      to: { path: [builtin('sqlite'), npm('(@types/)?pg', 'pg-[^/]+')] },
    },
    {
      name: 'src-stands-alone',
      comment:
        'What is shipped imports nothing but itself and its dependencies: no test, no script, no other package of the workspace.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/' },
      to: {
        path: '^(packages|bench|examples|scripts|docs)/|^[^/]+\\.(ts|js)$',
        pathNot: ['^packages/$1/src/', '^packages/$1/package\\.json$'],
      },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'What is shipped must run where only the dependencies were installed.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'] },
    },
    {
      name: 'all-resolved',
      comment: 'An import that leads nowhere is an arrow that no other rule can see.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Types count too: a type that must change together is a dependency.
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.json'],
    },
  },
};
