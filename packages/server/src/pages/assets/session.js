// For signed-in users. Warns before a session ends and a form is lost with it, and saves what was typed until the same
// user is back.
// Passwords and hidden fields are never saved; the rest stays in this tab only, for an hour, for the same account.

const MINUTE = 60_000;
const WARNING = 2 * MINUTE;
const KEPT = 60 * MINUTE;
const DRAFT = 'usher-draft';

const { user, idle, left, inactive, ends, stay: stayText } = document.body.dataset;
const began = Date.now();
/** The absolute end of the session, whatever the activity. */
const lastEnd = began + Number(left);
let end = Math.min(began + Number(idle), lastEnd);

/** Tabs share the session, so activity in one extends it in all. */
const tabs = new BroadcastChannel('usher-session');
tabs.postMessage({ user, end });
tabs.addEventListener('message', ({ data }) => {
  if (data.user === user) end = Math.min(Math.max(end, data.end), lastEnd);
  // The user signed out, or another user signed in: only the server knows what this page may show.
  else {
    keep();
    location.reload();
  }
});

const notice = document.createElement('div');
notice.className = 'stay';
notice.setAttribute('role', 'status');
document.body.append(notice);
notice.hidden = true;

function warn() {
  // Western digits, as in the rest of the page.
  const locale = `${document.documentElement.lang}-u-nu-latn`;
  const time = new Date(end).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
  const text = document.createElement('p');
  notice.replaceChildren(text);
  if (end < lastEnd) {
    text.textContent = inactive.replace('{time}', time);
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button small';
    button.textContent = stayText;
    button.addEventListener('click', stay);
    notice.append(button);
  } else text.textContent = ends.replace('{time}', time);
  notice.hidden = false;
}

async function stay() {
  try {
    const response = await fetch('/v1/me');
    if (response.status === 401) return leave();
    if (!response.ok) return;
    end = Math.min(Date.now() + Number(idle), lastEnd);
    tabs.postMessage({ user, end });
    look();
  } catch {
    // Nothing is lost while the network is down: the button stays.
  }
}

/** The server has ended the session: hides what the page shows. Signing in again leads back here. */
function leave() {
  keep();
  location.assign(`/sign-in?${new URLSearchParams({ return_to: location.pathname })}`);
}

function look() {
  const now = Date.now();
  if (now >= end) return leave();
  if (now < end - WARNING) notice.hidden = true;
  else if (notice.hidden) warn();
}

setInterval(look, 1_000);
document.addEventListener('visibilitychange', look);
// A page restored from the browser's back-forward cache may show an old state.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

/** A password field whose text is shown has the type `text`; its `autocomplete` still identifies it. */
const fields = () =>
  [...document.querySelectorAll('main :is(input, textarea)')].filter(
    ({ type, autocomplete }) =>
      !['hidden', 'password', 'checkbox', 'radio'].includes(type) && !autocomplete.endsWith('-password'),
  );

function keep() {
  const typed = fields()
    .filter(({ value, defaultValue }) => value !== defaultValue)
    .map(({ id, value }) => [id, value]);
  if (typed.length === 0) return sessionStorage.removeItem(DRAFT);
  const draft = { user, path: location.pathname, at: Date.now(), typed };
  sessionStorage.setItem(DRAFT, JSON.stringify(draft));
}

/** Only right after signing in again: otherwise the server's own values are newer. */
function restore() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? 'null');
  sessionStorage.removeItem(DRAFT);
  const cameFromSignIn = document.referrer !== '' && new URL(document.referrer).pathname === '/sign-in';
  if (!draft || !cameFromSignIn || draft.user !== user || draft.path !== location.pathname) return;
  if (Date.now() - draft.at > KEPT) return;
  for (const [id, value] of draft.typed) {
    const field = fields().find((one) => one.id === id);
    if (field) field.value = value;
  }
}

restore();
// Saves the draft on every submit: the session may have ended without this page noticing, because the computer slept or
// an administrator revoked it.
for (const form of document.querySelectorAll('main form')) form.addEventListener('submit', keep);

// The user menu works without this: it opens and closes with a click. Here it also closes as menus do.
const menu = document.querySelector('.menu');
document.addEventListener('click', ({ target }) => {
  if (!menu.contains(target)) menu.open = false;
});
menu.addEventListener('focusout', ({ relatedTarget }) => {
  if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
});
menu.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape' || !menu.open) return;
  menu.open = false;
  menu.querySelector('summary').focus();
});

// On a narrow screen the navigation scrolls sideways.
const tab = document.querySelector('.sections [aria-current]');
if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 48;

// Users without a time zone read times in the one of their browser, in the format of the server.
const locale = `${document.documentElement.lang}-u-nu-latn`;
const day = { year: 'numeric', month: 'long', day: 'numeric' };
const time = { ...day, hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short' };
for (const element of document.querySelectorAll('time[data-zone=""]')) {
  const at = new Date(element.dateTime);
  element.title = at.toLocaleString(locale, time);
  if ('day' in element.dataset) element.textContent = at.toLocaleString(locale, day);
}

function offerCopies(part) {
  for (const button of part.querySelectorAll('[data-copy]')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add('done');
      setTimeout(() => button.classList.remove('done'), 2_000);
    });
  }
}
offerCopies(document);
// A list that was searched has new rows.
document.addEventListener('usher:list', ({ target }) => offerCopies(target));
