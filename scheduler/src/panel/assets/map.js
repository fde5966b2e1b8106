// The coverage map: rows of letters with run lengths, painted on a canvas. Cells are painted when data, size or theme change;
// pointer and focus are drawn on a second canvas above.

const card = document.querySelector('[data-map]');
const ROW = 15, HEAD = 26, GAP = 2, DAY = 864e5;
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
  if (!map.rows.length) { say(card.querySelector('.map-say').dataset.empty); return; }
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
  const at = { row: 0, column: 0 };
  let bounds = [], width = 0, scale = 1, colours = {};

  const worst = (cells, from, to) => {
    let found = cells[from];
    for (let day = from + 1; day < to; day++) if (WEIGHT[cells[day]] > WEIGHT[found]) found = cells[day];
    return found;
  };
  function layout() {
    width = host.clientWidth; scale = Math.min(devicePixelRatio || 1, 3);
    const step = width / days >= 2 ? 1 : width * 7 / days >= 2 ? 7 : 30;
    bounds = [];
    for (let day = 0; day < days; day += step) bounds.push(day);
    bounds.push(days);
    for (const canvas of [base, over]) { canvas.width = width * scale; canvas.height = height * scale; }
    at.column = Math.min(at.column, bounds.length - 2);
  }
  const left = (column) => bounds[column] * width / days;
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
  function drawOver() {
    const pen = over.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (document.activeElement !== host && !host.matches(':hover')) return;
    const line = rows[at.row];
    pen.strokeStyle = colours.accent; pen.lineWidth = 2;
    pen.strokeRect(left(at.column) - 1, line.y, Math.max(left(at.column + 1) - left(at.column), 3) + 2, ROW);
  }
  function tell() {
    const { row, cells } = rows[at.row], from = bounds[at.column], to = bounds[at.column + 1];
    const day = (number) => dayText.format(new Date(first + number * DAY));
    const when = to - from > 1 ? `${day(from)} – ${day(to - 1)}` : day(from);
    say(`${row.connection} · ${row.entity} · ${when} · ${names[worst(cells, from, to)]}`);
    drawOver();
  }
  function drawAxis() {
    const marks = [];
    let last = -99;
    for (let day = 0; day < days; day++) {
      const date = new Date(first + day * DAY);
      if (date.getUTCDate() !== 1) continue;
      const x = day * width / days, january = date.getUTCMonth() === 0;
      if (x - last < (days > 400 ? 44 : 40) || x > width - 30 || (days > 800 && !january)) continue;
      last = x;
      const mark = document.createElement('span');
      mark.textContent = january ? date.getUTCFullYear() : monthText.format(date);
      mark.style.left = `${x}px`;
      marks.push(mark);
    }
    axis.replaceChildren(...marks);
  }
  function draw() { layout(); drawAxis(); paint(); card.dataset.painted = String(rows.length * days); }
  function plan() {
    if (!card.dataset.plan) return;
    const { row } = rows[at.row], day = (number) => new Date(first + number * DAY).toISOString().slice(0, 10);
    const query = new URLSearchParams({ connection: row.connection, entity: row.entity, from: day(bounds[at.column]), to: day(bounds[at.column + 1] - 1) });
    location.href = `${card.dataset.plan}?${query}`;
  }
  const pick = (event) => {
    const box = host.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const row = rows.findIndex((line) => y >= line.y && y < line.y + ROW);
    if (row < 0) return false;
    const day = Math.min(days - 1, Math.max(0, Math.floor(x * days / width)));
    at.row = row; at.column = Math.max(0, bounds.findIndex((bound) => bound > day) - 1);
    tell();
    return true;
  };
  host.addEventListener('pointermove', pick);
  host.addEventListener('pointerleave', drawOver);
  host.addEventListener('click', (event) => { if (pick(event)) plan(); });
  host.addEventListener('focus', tell);
  host.addEventListener('blur', drawOver);
  host.addEventListener('keydown', (event) => {
    const columns = bounds.length - 2;
    const steps = {
      ArrowLeft: () => { at.column = Math.max(0, at.column - 1); }, ArrowRight: () => { at.column = Math.min(columns, at.column + 1); },
      ArrowUp: () => { at.row = Math.max(0, at.row - 1); }, ArrowDown: () => { at.row = Math.min(rows.length - 1, at.row + 1); },
      Home: () => { at.column = 0; }, End: () => { at.column = columns; },
    };
    if (event.key === 'Enter') { plan(); return; }
    if (!steps[event.key]) return;
    event.preventDefault(); steps[event.key](); tell();
  });
  new ResizeObserver(() => { if (host.clientWidth !== width) draw(); }).observe(host);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  draw();
}
