// Progressive enhancement: every page works without this script.

/** @param {string} name @param {Record<string, string>} attributes @param {string} [text] */
function make(name, attributes, text = '') {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.textContent = text;
  return element;
}

/**
 * Offers the button that shows a password while it is typed. The password is hidden again before it is submitted, so
 * that no browser stores it as text.
 */
function addReveal(box) {
  const input = box.querySelector('input');
  const label = document.querySelector(`label[for="${input.id}"]`).textContent;
  const button = box.querySelector('.reveal');
  const show = (isShown) => {
    input.type = isShown ? 'text' : 'password';
    button.lastElementChild.textContent = `${isShown ? box.dataset.hide : box.dataset.show} ${label}`;
    button.classList.toggle('is-shown', isShown);
  };
  show(false);
  button.hidden = false;
  button.addEventListener('click', () => show(input.type === 'password'));
  input.form.addEventListener('submit', () => show(false));
}

/** Asks the server for the strength of a new password while it is typed: only the server has the rules. */
function addMeter(box) {
  const input = box.querySelector('input');
  const meter = make('div', { class: 'meter', 'aria-hidden': 'true', hidden: '' });
  meter.append(make('i', {}), make('i', {}), make('i', {}));
  const advice = make('span', { class: 'hint', role: 'status' });
  // The previous message is about another password, or there is none.
  const before = ['hint', 'error'].map((kind) => document.getElementById(`${input.id}-${kind}`));
  box.after(meter, advice);
  let asked = 0;
  const ask = async () => {
    const number = ++asked;
    const value = (name) => input.form.elements.namedItem(name)?.value ?? '';
    const response =
      input.value === '' ? undefined : await askAdvice(input.value, value('username'), value('email'));
    if (number !== asked) return;
    meter.hidden = !response;
    meter.dataset.strength = response?.strength ?? '';
    advice.textContent = response?.message ?? '';
    for (const element of before) if (element) element.hidden = Boolean(response);
    if (response) input.removeAttribute('aria-invalid');
  };
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });
}

/** @returns Undefined if the server cannot be reached: it says the same when the form is submitted. */
async function askAdvice(password, username, email) {
  try {
    const response = await fetch('/v1/check-password', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password, username, email }),
    });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/** Removes what a mail program copies along with a code, and submits the form once the code is complete. */
function completeCode(input) {
  input.addEventListener('input', () => {
    const code = input.value.replace(/\s/g, '');
    if (code !== input.value) input.value = code;
    const isComplete = code.length === Number(input.dataset.digits) && /^\d+$/.test(code);
    if (isComplete && input.form.checkValidity()) input.form.requestSubmit();
  });
}

/** Disables a button for a while, and says how long. */
function addWait(button) {
  const label = button.textContent;
  const end = Date.now() + 1_000 * Number(button.dataset.wait);
  const count = () => {
    const seconds = Math.ceil((end - Date.now()) / 1_000);
    button.disabled = seconds > 0;
    button.textContent = seconds > 0 ? button.dataset.waitText.replace('{seconds}', seconds) : label;
    if (seconds <= 0) clearInterval(timer);
  };
  const timer = setInterval(count, 1_000);
  count();
}

/** The username or email that was typed. It stays in this tab: in a URL, logs would have it. */
const NAME = 'usher-name';

/** Takes a username or email that was typed on the page before along to the next one. */
function carryName() {
  const name = document.querySelector('.centered input:is([name="name"], [name="email"])');
  if (!name) return;
  const typed = sessionStorage.getItem(NAME) ?? '';
  sessionStorage.removeItem(NAME);
  const field = typed.includes('@')
    ? name
    : document.querySelector('input:is([name="name"], [name="username"])');
  if (typed !== '' && field?.value === '') {
    field.value = typed;
    document.querySelector('input[autocomplete="current-password"]')?.focus();
  }
  addEventListener('pagehide', () => {
    if (name.value !== '') sessionStorage.setItem(NAME, name.value);
  });
}

/** Submits the token of the link that opened this page, and removes it from the address bar and the history. */
function openLink() {
  const field = document.querySelector('input[name="link"]');
  if (!field || !location.hash.startsWith('#token=')) return;
  field.value = location.hash;
  history.replaceState(null, '', location.pathname + location.search);
  field.form.submit();
}

/** Shows that a form is being submitted, and ignores further clicks until the next page is there. */
function showPending(form) {
  form.addEventListener('submit', (event) => {
    if (form.ariaBusy === 'true') return event.preventDefault();
    form.ariaBusy = 'true';
    (event.submitter ?? form.querySelector('[type="submit"]'))?.classList.add('pending');
    // A request that the browser or the user gave up can be sent again.
    setTimeout(showReady, 10_000);
  });
}

/** A page that the browser shows again, for example after Back, is not waiting for anything. */
function showReady() {
  for (const form of document.forms) form.ariaBusy = null;
  for (const button of document.querySelectorAll('.pending')) button.classList.remove('pending');
}

for (const form of document.forms) if (form.method === 'post') showPending(form);
addEventListener('pageshow', showReady);

openLink();
// Opening a second link to a page that is already open does not reload it.
addEventListener('hashchange', openLink);

if (document.body.dataset.user) sessionStorage.removeItem(NAME);
else carryName();
for (const input of document.querySelectorAll('[data-digits]')) completeCode(input);
for (const button of document.querySelectorAll('[data-wait]')) addWait(button);

for (const box of document.querySelectorAll('.revealable')) {
  addReveal(box);
  if ('meter' in box.dataset) addMeter(box);
}

// After a sign-out, the user's other tabs must not keep showing the account.
if (location.pathname === '/sign-in' && new URLSearchParams(location.search).get('done') === 'signed-out')
  new BroadcastChannel('usher-session').postMessage({});
