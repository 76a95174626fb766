// Searches a list while someone types, and selects all of its rows. Without this script, the form has a button, and each
// row is selected by itself.

const form = document.querySelector('form[data-live]');
/** Milliseconds without a key before the search begins. */
const PAUSE = 250;

let request;
let timer;

/** Loads the page that the form leads to, and shows its list. Browsers parse a document here, and run no script of it. */
function search() {
  const fields = [...new FormData(form)].filter(([, value]) => value !== '');
  const url = `${form.action}?${new URLSearchParams(fields)}`;
  request?.abort();
  request = new XMLHttpRequest();
  request.responseType = 'document';
  request.open('GET', url);
  request.addEventListener('load', () => {
    const found = request.status === 200 && request.response?.querySelector('#found');
    // The page of an error, or the one to sign in on.
    if (!found) return form.submit();
    history.replaceState(null, '', url);
    document.querySelector('#found').replaceWith(document.adoptNode(found));
    const exports = request.response.querySelectorAll('.exports a');
    for (const [at, link] of document.querySelectorAll('.exports a').entries()) link.href = exports[at].href;
    offerSelection();
    document.querySelector('#found').dispatchEvent(new Event('usher:list', { bubbles: true }));
  });
  request.send();
}

form.addEventListener('input', ({ target }) => {
  clearTimeout(timer);
  timer = setTimeout(search, target.type === 'search' ? PAUSE : 0);
});

function offerSelection() {
  const button = document.querySelector('[data-select-all]');
  if (!button) return;
  button.hidden = false;
  button.addEventListener('click', () => {
    const boxes = [...button.form.querySelectorAll('[type=checkbox]')];
    const isOn = boxes.some(({ checked }) => !checked);
    for (const box of boxes) box.checked = isOn;
  });
}
offerSelection();
