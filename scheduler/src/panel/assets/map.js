// The coverage map: rows of letters with run lengths, painted on a canvas. Cells are painted when data, size, theme or zoom
// change; pointer, focus and selection are drawn on a second canvas above.

const card = document.querySelector('[data-map]');
const ROW = 15, HEAD = 26, GAP = 2, DAY = 864e5, PAGE = 10;
// The shortest span of days that is zoomed to.
const CLOSEST = 14;
// Letters from good to bad. The worst of the days in a column is what it shows: a dead day is never averaged away.
const WEIGHT = Object.fromEntries([...'ednuprhcbx'].map((letter, weight) => [letter, weight]));

if (card) start(card).catch(() => say(card.querySelector('.map-say').dataset.failed));

function say(text) { card.querySelector('.map-say').textContent = text; }

function decode(cells, days) {
  const out = new Array(days).fill('n');
  let at = 0;
  for (const [, letter, many] of cells.matchAll(/([a-z])(\d+)/g)) {
    out.fill(letter, at, at += Number(many));
  }
  return out;
}

async function start(card) {
  const answer = await fetch(card.dataset.map, { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(answer.status);
  const map = await answer.json();
  const texts = card.querySelector('.map-say').dataset;
  if (!map.rows.length) { say(texts.empty); return; }
  const first = Date.parse(map.from), days = Math.round((Date.parse(map.to) - first) / DAY) + 1;
  const grid = card.querySelector('.map-grid'), host = card.querySelector('.map-cells'), labels = card.querySelector('.map-labels');
  const [base, over] = card.querySelectorAll('canvas'), axis = card.querySelector('.map-axis');
  const names = {}, classes = {};
  for (const item of card.querySelectorAll('.legend li')) {
    names[item.dataset.letter] = item.textContent.trim();
    classes[item.dataset.letter] = item.dataset.class;
  }
  const locale = card.dataset.lang === 'es' ? 'es-EC' : 'en-US';
  const dayText = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
  const monthText = new Intl.DateTimeFormat(locale, { month: 'short', timeZone: 'UTC' });
  const day = (number) => new Date(first + number * DAY);
  const lines = [];
  let height = 0, company = null;
  for (const row of map.rows) {
    if (row.connection !== company) {
      company = row.connection;
      lines.push({ company, y: height }); height += HEAD;
    }
    lines.push({ row, cells: decode(row.cells, days), y: height }); height += ROW;
  }
  labels.replaceChildren(...lines.map((line) => {
    const item = document.createElement('li');
    item.textContent = line.company ?? line.row.entity;
    if (line.company) item.className = 'company';
    return item;
  }));
  grid.hidden = false;
  host.style.height = `${height}px`;
  const rows = lines.filter((line) => line.row);
  // The days that are seen, the cell that is looked at, and the other corner of what is selected.
  const view = { from: 0, to: days };
  const at = { row: 0, column: 0 };
  let corner = null, bounds = [], width = 0, scale = 1, colours = {};

  const worst = (cells, from, to) => {
    let found = cells[from];
    for (let day = from + 1; day < to; day++) if (WEIGHT[cells[day]] > WEIGHT[found]) found = cells[day];
    return found;
  };
  const span = () => view.to - view.from;
  function layout() {
    width = host.clientWidth; scale = Math.min(devicePixelRatio || 1, 3);
    const step = width / span() >= 2 ? 1 : width * 7 / span() >= 2 ? 7 : 30;
    bounds = [];
    for (let day = view.from; day < view.to; day += step) bounds.push(day);
    bounds.push(view.to);
    for (const canvas of [base, over]) { canvas.width = width * scale; canvas.height = height * scale; }
    at.column = Math.min(at.column, bounds.length - 2);
  }
  const left = (column) => (bounds[column] - view.from) * width / span();
  const columnOf = (day) => Math.max(0, bounds.findIndex((bound) => bound > day) - 1);
  function paint() {
    const probe = document.createElement('i');
    card.append(probe);
    for (const name of [...Object.values(classes), 'surface', 'accent']) {
      probe.style.color = `var(--${name})`; colours[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    const pen = base.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    for (const line of rows) {
      const top = line.y + GAP / 2, tall = line.row.whole ? ROW - 8 : ROW - GAP, y = line.row.whole ? top + 3 : top;
      for (let column = 0; column < bounds.length - 1;) {
        const letter = worst(line.cells, bounds[column], bounds[column + 1]);
        let end = column + 1;
        const apart = width / (bounds.length - 1) >= 6 && !line.row.whole;
        while (!apart && end < bounds.length - 1 && worst(line.cells, bounds[end], bounds[end + 1]) === letter) end++;
        cell(pen, letter, left(column), y, left(end) - left(column) - (apart ? 1 : 0), tall);
        column = end;
      }
    }
    drawOver();
  }
  // Form speaks beside colour: queued fills the foot, what may grow the lower half, dead is notched, blocked striped.
  function cell(pen, letter, x, y, w, h) {
    const fill = colours[classes[letter]];
    pen.fillStyle = letter === 'p' ? colours.none : fill;
    pen.fillRect(x, y, w, h);
    pen.fillStyle = colours.surface;
    if (letter === 'p') { pen.fillStyle = fill; pen.fillRect(x, y + h * .62, w, h * .38); }
    if (letter === 'h') { pen.globalAlpha = .6; pen.fillRect(x, y, w, h / 2); pen.globalAlpha = 1; }
    if (letter === 'x') pen.fillRect(x, y + h * .43, w, h * .14);
    if (letter === 'c') pen.fillRect(x, y + h * .4, w, h * .2);
    if (letter === 'b' || letter === 'u') {
      pen.globalAlpha = letter === 'b' ? .65 : .4;
      for (let stripe = x + (4 - x % 4); stripe < x + w; stripe += 4) pen.fillRect(stripe, y, 1, h);
      pen.globalAlpha = 1;
    }
  }
  // Rows and days that are selected: those between the cell that is looked at and the other corner.
  function selection() {
    const other = corner ?? at;
    const [top, bottom] = [Math.min(at.row, other.row), Math.max(at.row, other.row)];
    const [start, end] = [Math.min(at.column, other.column), Math.max(at.column, other.column)];
    return { top, bottom, start, end, from: bounds[start], to: bounds[end + 1] - 1, rows: rows.slice(top, bottom + 1) };
  }
  function drawOver() {
    const pen = over.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!corner && document.activeElement !== host && !host.matches(':hover')) return;
    const { top, bottom, start, end } = selection();
    const x = left(start) - 1, y = rows[top].y, w = Math.max(left(end + 1) - left(start), 3) + 2, h = rows[bottom].y + ROW - y;
    pen.strokeStyle = pen.fillStyle = colours.accent; pen.lineWidth = 2;
    pen.strokeRect(x, y, w, h);
    if (corner) { pen.globalAlpha = .2; pen.fillRect(x, y, w, h); pen.globalAlpha = 1; }
  }
  function tell() {
    const { row, cells } = rows[at.row], chosen = selection();
    const when = chosen.to > chosen.from ? `${dayText.format(day(chosen.from))} – ${dayText.format(day(chosen.to))}` : dayText.format(day(chosen.from));
    const many = texts.selected.replace('{rows}', chosen.rows.length).replace('{days}', chosen.to - chosen.from + 1);
    const what = corner ? many : names[worst(cells, bounds[at.column], bounds[at.column + 1])];
    say(`${row.connection} · ${row.entity} · ${row.whole ? texts.whole : when} · ${what}`);
    drawOver();
  }
  function drawAxis() {
    const marks = [];
    let last = -99;
    for (let number = view.from; number < view.to; number++) {
      const date = day(number), isFirst = date.getUTCDate() === 1, january = isFirst && date.getUTCMonth() === 0;
      if (!isFirst && (span() > 62 || date.getUTCDate() % 7 !== 1)) continue;
      const x = (number - view.from) * width / span();
      if (x - last < (span() > 400 ? 44 : 40) || x > width - 30 || (span() > 800 && !january)) continue;
      last = x;
      const mark = document.createElement('span');
      mark.textContent = january ? date.getUTCFullYear() : isFirst ? monthText.format(date) : date.getUTCDate();
      mark.style.left = `${x}px`;
      if (isFirst) mark.addEventListener('click', () => zoomTo(number, number + (january && span() > 400 ? 365 : 31)));
      marks.push(mark);
    }
    axis.replaceChildren(...marks);
  }
  function draw() { layout(); drawAxis(); paint(); card.dataset.painted = String(rows.length * days); card.dataset.seen = String(span()); }
  // Shows these days, or as many around them as there are; the day that was looked at stays where one looks.
  function zoomTo(from, to) {
    const looked = bounds[at.column], length = Math.min(days, Math.max(CLOSEST, to - from));
    view.from = Math.min(Math.max(0, Math.round(from)), days - length);
    view.to = view.from + length;
    corner = null;
    draw();
    at.column = columnOf(Math.min(Math.max(looked, view.from), view.to - 1));
    tell();
  }
  function zoom(factor) {
    const middle = bounds[at.column], length = Math.round(span() * factor);
    zoomTo(middle - length / 2, middle - length / 2 + length);
  }
  // Where what is selected is gone on with: dead and blocked cells say why, everything else is planned.
  function go() {
    const chosen = selection(), iso = (number) => day(number).toISOString().slice(0, 10);
    const companies = [...new Set(chosen.rows.map(({ row }) => row.connection))];
    const letter = corner ? null : worst(rows[at.row].cells, chosen.from, chosen.to + 1);
    if (letter === 'x') { location.href = `/dead-letters?${new URLSearchParams({ connection: companies[0] })}`; return; }
    if (letter === 'b') { location.href = `/connections/${encodeURIComponent(companies[0])}`; return; }
    if (!card.dataset.plan) return;
    const query = new URLSearchParams({ from: iso(chosen.from), to: iso(chosen.to) });
    for (const name of companies) query.append('connection', name);
    for (const name of new Set(chosen.rows.map(({ row }) => row.entity))) query.append('entity', name);
    location.href = `${card.dataset.plan}?${query}`;
  }
  const pick = (event) => {
    const box = host.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const row = rows.findIndex((line) => y >= line.y && y < line.y + ROW);
    if (row < 0) return false;
    at.row = row; at.column = columnOf(view.from + Math.min(span() - 1, Math.max(0, Math.floor(x * span() / width))));
    tell();
    return true;
  };
  let pressed = null;
  host.addEventListener('pointerdown', (event) => {
    corner = null;
    pressed = event.button === 0 && pick(event) ? { ...at } : null;
    if (pressed) host.setPointerCapture(event.pointerId);
  });
  host.addEventListener('pointermove', (event) => {
    if (!pick(event) || !pressed) return;
    corner = pressed.row !== at.row || pressed.column !== at.column ? pressed : null;
    tell();
  });
  host.addEventListener('pointerup', () => { if (pressed) { pressed = null; go(); } });
  host.addEventListener('pointercancel', () => { pressed = corner = null; drawOver(); });
  host.addEventListener('pointerleave', drawOver);
  host.addEventListener('focus', tell);
  host.addEventListener('blur', drawOver);
  host.addEventListener('keydown', (event) => {
    const columns = bounds.length - 2;
    const row = (number) => { at.row = Math.min(rows.length - 1, Math.max(0, number)); };
    const column = (number) => { at.column = Math.min(columns, Math.max(0, number)); };
    const moves = {
      ArrowLeft: () => column(at.column - 1), ArrowRight: () => column(at.column + 1),
      ArrowUp: () => row(at.row - 1), ArrowDown: () => row(at.row + 1),
      Home: () => column(0), End: () => column(columns), PageUp: () => row(at.row - PAGE), PageDown: () => row(at.row + PAGE),
    };
    const others = { Enter: go, '+': () => zoom(.5), '=': () => zoom(.5), '-': () => zoom(2), Escape: () => { corner = null; tell(); } };
    const act = others[event.key] ?? moves[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (moves[event.key]) corner = event.shiftKey ? corner ?? { ...at } : null;
    act();
    if (moves[event.key]) tell();
  });
  new ResizeObserver(() => { if (host.clientWidth !== width) { corner = null; draw(); } }).observe(host);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  draw();
}
