// What makes pages quicker to use where there is script. Without it every link and form does the same.

// A button that was pressed is not pressed again; the form's key makes a second press harmless anyway.
for (const form of document.querySelectorAll('form[method=post]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.getAttribute('action') === '/choose') return;
    form.dataset.sent = '1';
    event.submitter?.setAttribute('aria-busy', 'true');
  });
}
// After the button back, a page may be pressed again: it says what became of it.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    form.querySelector('[aria-busy]')?.removeAttribute('aria-busy');
  }
});

// A click on a command takes it along.
for (const command of document.querySelectorAll('.cmd pre')) {
  command.addEventListener('dblclick', () => navigator.clipboard?.writeText(command.textContent));
}

// A run that is under way: its numbers follow the server's events. A hidden tab lets go of its stream, for there are few.
const host = document.querySelector('[data-run]');
if (host) follow(host);

function follow(host) {
  const format = new Intl.NumberFormat(host.dataset.lang === 'es' ? 'es-EC' : 'en-US');
  let source = null;
  const show = (run) => {
    const ended = run.done + run.dead + run.cancelled;
    const facts = { ...run, ended, percent: Math.floor(ended * 100 / Math.max(run.segments, 1)) };
    for (const place of host.querySelectorAll('[data-live]')) {
      place.textContent = format.format(facts[place.dataset.live]);
    }
    const parts = {
      done: run.done - run.empty, empty: run.empty, running: run.running, dead: run.dead, retrying: run.cancelled, pending: run.pending,
    };
    let at = 0;
    for (const bar of host.querySelectorAll('[data-bar]')) {
      const long = parts[bar.dataset.bar] * 100 / Math.max(run.segments, 1);
      bar.setAttribute('x', `${at}%`);
      bar.setAttribute('width', `${long}%`);
      at += long;
    }
  };
  const listen = () => {
    if (document.hidden || source) return;
    source = new EventSource(host.dataset.run);
    source.addEventListener('progress', (event) => show(JSON.parse(event.data)));
    source.addEventListener('end', () => { source.close(); location.reload(); });
  };
  const letGo = () => { source?.close(); source = null; };
  document.addEventListener('visibilitychange', () => (document.hidden ? letGo() : listen()));
  addEventListener('pagehide', letGo);
  listen();
}

// Work that is under way on a page without a stream: its part of the page is fetched again, as long as somebody looks.
const AGAIN = 2000;
if (document.querySelector('[data-again]')) setTimeout(lookAgain, AGAIN);

async function lookAgain() {
  const old = document.querySelector('[data-again]');
  if (!old) return;
  if (!document.hidden) {
    const answer = await fetch(location.href).catch(() => null);
    const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), 'text/html');
    const part = page && page.getElementById(old.id);
    if (part && !part.matches('[data-again]')) { location.reload(); return; }
    if (part) old.querySelector('dl').replaceWith(part.querySelector('dl'));
    if (part) old.querySelector('svg').replaceWith(part.querySelector('svg'));
  }
  setTimeout(lookAgain, AGAIN);
}
