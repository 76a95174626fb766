// Says that a session is about to end before a form is lost with it, and keeps what was typed until its owner is back.
// Passwords and what is hidden are never kept; the rest only in this tab, for an hour, for the same account.

const MINUTE = 60_000;
const WARNING = 2 * MINUTE;
const KEPT = 60 * MINUTE;
const DRAFT = 'usher-draft';

const { user, idle, left } = document.body.dataset;
const began = Date.now();
/** However busy, the session ends then. */
const lastEnd = began + Number(left);
let end = Math.min(began + Number(idle), lastEnd);

/** Tabs share the session: what keeps it alive in one, keeps it in all. */
const tabs = new BroadcastChannel('usher-session');
tabs.postMessage({ user, end });
tabs.addEventListener('message', ({ data }) => {
  if (data.user === user) end = Math.min(Math.max(end, data.end), lastEnd);
  // Somebody left, or is another one now: only the server knows what this page may show.
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
  const time = new Date(end).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const text = document.createElement('p');
  notice.replaceChildren(text);
  if (end < lastEnd) {
    text.textContent = `You’ll be signed out at ${time} because of inactivity.`;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button small';
    button.textContent = 'Stay signed in';
    button.addEventListener('click', stay);
    notice.append(button);
  } else
    text.textContent = `You’ll be signed out at ${time}, when your session reaches its maximum length. Save your work.`;
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
    // Without a network nothing is lost yet: the button stays.
  }
}

/** The server has ended the session by now: what is here is taken out of sight, and who signs in again is back here. */
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
// A page that the browser kept as it was may show what is over.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

/** A password field that shows what is typed is text for that time: its purpose tells. */
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

/** Only right after signing in again: otherwise the server's own values are the newer ones. */
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
// The session may be over although this page does not know it: a computer that slept, an administrator.
for (const form of document.querySelectorAll('main form')) form.addEventListener('submit', keep);
