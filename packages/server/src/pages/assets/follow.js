// Shows new events at the top of their page as they come in, while somebody wants it to.
// The stream does not postpone the end of the session, so it may be opened again as often as it breaks off: a page that
// is left alone is signed out ten minutes after its owner last did something, as every other. To press the button is to
// do something. A page that nobody can see holds no connection: a browser has few of them.

const MOST_ROWS = 500;
/** Milliseconds: from one try to the next it takes twice as long, up to this; and how often is said what came. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
const TELLING = 5_000;

const { user, idle } = document.body.dataset;
const bar = document.querySelector('.follow');
const found = document.querySelector('#found');
const rows = found.querySelector('tbody');
let last = bar.dataset.after;
let came = 0;
let untold = false;
/** Ends what goes on; undefined while nothing does. */
let following;

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
};

const button = make('button', { type: 'button', class: 'button plain small' }, 'Follow');
const state = make('span', { role: 'status' });
bar.replaceChildren(button, state);

const say = (...words) => state.replaceChildren(...words);
const count = () => (came === 0 ? '' : ` ${came} new event${came === 1 ? '' : 's'} so far.`);

button.addEventListener('click', () => {
  if (following) stop('Not following any more.', count());
  else void follow();
});

// Said once in a while, so that a screen reader can say other things, too.
setInterval(() => {
  if (following && untold) say('Following.', count());
  untold = false;
}, TELLING);

function stop(...words) {
  following?.abort();
  following = undefined;
  button.textContent = 'Follow';
  say(...words);
}

async function follow() {
  following = new AbortController();
  const { signal } = following;
  button.textContent = 'Stop following';
  await stay();
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    await seen();
    if (signal.aborted) return;
    try {
      const answer = await fetch(bar.dataset.stream, { headers: { 'last-event-id': last }, signal });
      if (answer.ok) {
        pause = FIRST_PAUSE;
        say('Following.', count());
        await read(answer.body);
      } else refused(await answer.json());
    } catch {
      // Broken off: by us, or somewhere on the way.
    }
    if (signal.aborted || document.hidden) continue;
    if (state.textContent.startsWith('Following')) say('The connection broke. Trying again.');
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Somebody has just done something here: as any request, this postpones the end of the session, in all tabs. */
async function stay() {
  const answer = await fetch('/v1/me').catch(() => undefined);
  if (answer?.ok) tabs.postMessage({ user, end: Date.now() + Number(idle) });
}
const tabs = new BroadcastChannel('usher-session');

/** Resolves as soon as the page can be seen. */
const seen = () =>
  new Promise((resolve) => {
    if (!document.hidden) return resolve();
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });

/** Reads messages until there are no more, the page is hidden, or it is the last one (HTML standard, 9.2.6). */
async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const hide = () => reader.cancel();
  document.addEventListener('visibilitychange', hide, { once: true });
  try {
    for (let text = ''; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const messages = (text + value).split('\n\n');
      text = messages.pop();
      for (const message of messages) take(Object.fromEntries(message.split('\n').map(fieldOf)));
    }
  } finally {
    document.removeEventListener('visibilitychange', hide);
  }
}

function fieldOf(line) {
  const colon = line.indexOf(': ');
  return [line.slice(0, colon), line.slice(colon + 2)];
}

function take({ event, id, data }) {
  if (event === 'end') refused(JSON.parse(data));
  if (event !== 'events') return;
  last = id;
  const { events, names, is_cut: isCut } = JSON.parse(data);
  if (isCut) show([gap()]);
  show(events.map((one) => rowOf(one, names)));
  came += events.length;
  untold = true;
}

/** What another try would not change ends it. */
function refused({ code, message }) {
  if (code === 'invalid_token' || code === 'unauthenticated') {
    const href = `/sign-in?${new URLSearchParams({ return_to: here() })}`;
    stop('Following stopped: you were signed out. ', link(href, 'Sign in and come back'));
  } else if (code === 'forbidden') stop(`Following stopped: ${message}`);
  else say(`${message} Trying again.`);
}

const here = () => location.pathname + location.search;
const link = (href, text) => make('a', { href }, text);

/** Newest first; what does not fit any more is on the next page. */
function show(made) {
  found.hidden = false;
  document.querySelector('.empty')?.remove();
  for (const row of made) rows.prepend(row);
  while (rows.rows.length > MOST_ROWS) rows.lastElementChild.remove();
}

/** Where so much happened at once that not all of it was sent. */
function gap() {
  const words = ['More happened here than is shown. ', link(here(), 'Reload the page')];
  return make('tr', {}, make('td', { colspan: '4' }, ...words));
}

/** As the server makes it, but for the time: what is `just now` would not stay so. */
function rowOf({ at, name, user_id: about, actor_id: actor, ip, details }, names) {
  const event = make('th', { scope: 'row' }, make('code', {}, name));
  const isOther = actor !== null && actor !== about;
  if (about !== null || isOther) {
    const people = make('p');
    if (about !== null) people.append(who(about, names));
    if (isOther) people.append(' by ', who(actor, names));
    event.append(people);
  }
  const facts = Object.entries(details).map(([key, value]) =>
    make('span', { class: 'detail' }, `${key.replaceAll('_', ' ')}: ${value}`),
  );
  const time = make('time', { datetime: at, title: at }, `${at.slice(11, 19)} UTC`);
  return make(
    'tr',
    { class: 'new' },
    make('td', {}, time),
    event,
    make('td', {}, ip ?? ''),
    make('td', {}, ...facts),
  );
}

function who(id, names) {
  if (id === 'operator') return 'the operator';
  return names[id] === undefined ? 'a deleted user' : link(`/admin/users/${id}`, names[id]);
}
