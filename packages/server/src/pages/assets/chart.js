// Moves the focus along the steps of a chart with the arrow keys. Without this script, the table below has the values.

const steps = { ArrowLeft: -1, ArrowRight: 1 };

for (const hits of document.querySelectorAll('.hits')) {
  hits.addEventListener('keydown', (event) => {
    const all = [...hits.children];
    const to =
      event.key === 'Home'
        ? all[0]
        : event.key === 'End'
          ? all.at(-1)
          : event.key in steps && all[all.indexOf(document.activeElement) + steps[event.key]];
    if (!to) return;
    event.preventDefault();
    for (const one of all) one.tabIndex = one === to ? 0 : -1;
    to.focus();
  });
}
