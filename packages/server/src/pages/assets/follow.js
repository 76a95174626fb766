// Shows new events at the top of the page as they arrive, while live updates are on. The stream does not extend the
// session, so it can reconnect as often as it breaks: an unattended page is signed out ten minutes after the user's
// last action, like every other page. Pressing the button counts as an action. A hidden page holds no connection,
// because a browser allows only a few.

const MAX_ROWS = 500;
/** Milliseconds: the pause between attempts doubles up to the longest; the status is updated at the interval. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
const STATUS_INTERVAL = 5_000;

const { user, idle } = document.body.dataset;
const bar = document.querySelector('.follow');
/** Every text of this script, in the language of the page. Labels of events come with the events. */
const text = JSON.parse(bar.dataset.texts);
const found = document.querySelector('#found');
const rows = found.querySelector('tbody');
const heads = found.querySelectorAll('thead th');
let last = bar.dataset.after;
let came = 0;
let untold = false;
let isConnected = false;
/** Aborts the live updates; undefined while they are off. */
let following;

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
};

const button = make('button', { type: 'button', class: 'button plain small' }, text.start);
const state = make('span', { role: 'status' });
bar.replaceChildren(button, state);

const news = () => text.news.replace('{count}', came);
const live = () => (came === 0 ? text.live : `${text.live} ${news()}`);
const say = (...words) => state.replaceChildren(...words);

button.addEventListener('click', () => {
  if (following) stop(came === 0 ? text.paused : `${text.paused} ${news()}`);
  else void follow();
});

// At an interval, so that a screen reader can read other things, too.
setInterval(() => {
  if (following && untold) say(live());
  untold = false;
}, STATUS_INTERVAL);

function stop(...words) {
  following?.abort();
  following = undefined;
  button.textContent = text.start;
  say(...words);
}

async function follow() {
  following = new AbortController();
  const { signal } = following;
  button.textContent = text.stop;
  await stay();
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    await seen();
    if (signal.aborted) return;
    try {
      const response = await fetch(bar.dataset.stream, { headers: { 'last-event-id': last }, signal });
      if (response.ok) {
        pause = FIRST_PAUSE;
        isConnected = true;
        say(live());
        await read(response.body);
      } else failed(await response.json());
    } catch {
      // The connection closed: we aborted it, or it broke on the way.
    }
    if (signal.aborted || document.hidden) continue;
    if (isConnected) say(text.reconnecting);
    isConnected = false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Extends the session in all tabs, because the user just did something here. */
async function stay() {
  const response = await fetch('/v1/me').catch(() => undefined);
  if (response?.ok) tabs.postMessage({ user, end: Date.now() + Number(idle) });
}
const tabs = new BroadcastChannel('usher-session');

/** Resolves when the page becomes visible, or immediately if it is. */
const seen = () =>
  new Promise((resolve) => {
    if (!document.hidden) return resolve();
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });

/** Reads messages until the stream ends, the page is hidden, or the last message arrives (HTML standard, 9.2.6). */
async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const hide = () => reader.cancel();
  document.addEventListener('visibilitychange', hide, { once: true });
  try {
    for (let buffer = ''; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const messages = (buffer + value).split('\n\n');
      buffer = messages.pop();
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
  if (event === 'end') failed(JSON.parse(data));
  if (event !== 'events') return;
  last = id;
  const { events, names, is_cut: isCut } = JSON.parse(data);
  if (isCut) show([gap()]);
  show(events.map((one) => rowOf(one, names)));
  came += events.length;
  untold = true;
}

/** Stops live updates on an error that a retry cannot fix. */
function failed({ code, message }) {
  isConnected = false;
  if (code === 'invalid_token' || code === 'unauthenticated') {
    const href = `/sign-in?${new URLSearchParams({ return_to: here() })}`;
    stop(`${text.signedOut} `, link(href, text.signIn));
  } else if (code === 'forbidden') stop(text.stopped.replace('{reason}', () => message));
  else say(text.retrying.replace('{reason}', () => message));
}

const here = () => location.pathname + location.search;
const link = (href, label) => make('a', { href }, label);

/** Newest first. The oldest rows are removed; they are on the next page. */
function show(made) {
  found.hidden = false;
  document.querySelector('.empty')?.remove();
  for (const row of made) place(row);
  const events = rows.querySelectorAll('tr:not(.day)');
  for (const row of [...events].slice(MAX_ROWS)) row.remove();
  while (rows.lastElementChild.matches('.day')) rows.lastElementChild.remove();
}

const day = new Intl.DateTimeFormat(`${document.documentElement.lang}-u-nu-latn`, {
  dateStyle: 'long',
  timeZone: 'UTC',
});

/** Under the heading of its day, which is a new one for the first event of a day. */
function place(row) {
  const at = row.querySelector('time')?.dateTime;
  const heading = rows.querySelector('.day');
  const name = at === undefined ? heading?.textContent : day.format(new Date(at));
  if (heading?.textContent === name) return heading ? heading.after(row) : rows.prepend(row);
  const title = make('th', { scope: 'rowgroup', role: 'rowheader', colspan: String(heads.length) }, name);
  rows.prepend(make('tr', { class: 'day', role: 'row' }, title), row);
}

/** Marks a gap: more events occurred at once than the server sent. */
function gap() {
  const notice = make(
    'td',
    { role: 'cell', colspan: String(heads.length) },
    `${text.gap} `,
    link(here(), text.reload),
  );
  return make('tr', { role: 'row' }, notice);
}

/** The row as the server renders it. */
function rowOf(event, names) {
  const { label, detail_labels: details, severity, ...record } = event;
  const name = make(
    'span',
    { class: `severity ${severity}`, title: event.name },
    refine('name', event.name, label),
  );
  const summary = make(
    'summary',
    {},
    text.view,
    make('span', { class: 'unseen' }, ` ${text.record.replace('{label}', () => label)}`),
  );
  const raw = make('details', { class: 'record' }, summary, make('pre', {}, JSON.stringify(record, null, 2)));
  return make(
    'tr',
    { class: 'new', role: 'row' },
    cell(0, make('time', { datetime: event.at, title: event.at }, event.at.slice(11, 19))),
    make('th', { scope: 'row', role: 'rowheader' }, name),
    cell(2, ...peopleOf(event, names)),
    cell(3, event.ip === null ? '' : refine('ip', event.ip, make('bdi', {}, event.ip))),
    cell(4, ...details.map((detail) => make('span', { class: 'detail' }, detail))),
    cell(5, raw),
  );
}

/** A link to the same list with one more filter. */
function refine(name, value, label) {
  const query = new URLSearchParams(location.search);
  query.set(name, value);
  return make('a', { class: 'refine', href: `${location.pathname}?${query}` }, label);
}

const cell = (column, ...children) =>
  make('td', { role: 'cell', 'data-label': heads[column].textContent.trim() }, ...children);

/** The user an event is about, and who performed the action if that was someone else. */
function peopleOf({ user_id: about, actor_id: actor }, names) {
  const isOther = actor !== null && actor !== about;
  if (about === null) return isOther ? [who(actor, names)] : [];
  return isOther ? [who(about, names), make('p', {}, `${text.by} `, who(actor, names))] : [who(about, names)];
}

function who(id, names) {
  if (id === 'operator') return text.operator;
  return names[id] === undefined ? text.deletedUser : link(`/admin/users/${id}`, make('bdi', {}, names[id]));
}
