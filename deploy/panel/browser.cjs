// Drives Chromium through the panel at an address, and keeps what it looks like.
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');

const [url, shots, emulator] = process.argv.slice(2);
const axe = fs.readFileSync(require.resolve('axe-core'), 'utf8');
const wrong = [];
const check = (is, what) => { if (!is) { wrong.push(what); console.error(`wrong: ${what}`); } };

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

const WIDTHS = [360, 1024, 1920];
const THEMES = ['light', 'dark'];

// A screen is loaded once in each language; theme and width are changed where it stands, as a person would.
async function screen(page, at, name) {
  await page.goto(url + at, { waitUntil: 'load' });
  await painted(page);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await painted(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${name}-${width}: ${wide} px to scroll sideways`);
    for (const theme of THEMES) {
      await page.evaluate((theme) => { document.documentElement.dataset.theme = theme; }, theme);
      for (const one of await findings(page, theme)) check(false, `${name}-${theme}-${width}: axe ${one}`);
      await page.screenshot({ path: path.join(shots, `${name}-${theme}-${width}.jpeg`), type: 'jpeg', quality: 70, fullPage: true });
    }
  }
}

async function painted(page) {
  if (!await page.locator('[data-map]').count()) return;
  await page.waitForFunction(() => document.querySelector('[data-painted]') || document.querySelector('.map-say').textContent.trim());
}

// axe comes as a script of the page's own world, which the policy of the page does not reach. A theme changes colours alone:
// what else there is to find was found in the first one.
function findings(page, theme) {
  const all = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] };
  const runOnly = theme === THEMES[0] ? all : { type: 'rule', values: ['color-contrast'] };
  return page.evaluate(async ([source, runOnly]) => {
    if (!window.axe) (0, eval)(source);
    const result = await window.axe.run(document, { runOnly, resultTypes: ['violations'] });
    return result.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
  }, [axe, runOnly]);
}

// From the first page to a run with its price, by keys alone.
async function byKeys(page) {
  await page.goto(`${url}/runs`);
  const press = async (text) => {
    for (let tab = 0; tab < 80; tab++) {
      await page.keyboard.press('Tab');
      const on = await page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.value);
      if (on === text) return true;
    }
    return false;
  };
  check(await press('Start a run'), 'by keys: no button that starts a run');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/runs/new');
  for (const name of ['connection', 'entity']) await page.locator(`input[name=${name}]`).first().focus(), await page.keyboard.press('Space');
  check(await press('Show the price'), 'by keys: no button that shows the price');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=What it costs');
  await page.goto(`${url}/?years=1`);
  await page.waitForSelector('[data-painted]');
  await page.locator('.map-cells').focus();
  await page.keyboard.press('End');
  check((await page.locator('.map-say').textContent()).includes('·'), 'by keys: the map says nothing');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/runs/new?**');
}

// The map by mouse and by keys: a rectangle is planned as it was drawn, days are zoomed to and left again.
async function onTheMap(page) {
  const open = async () => {
    await page.setViewportSize({ width: 1920, height: 900 });
    await page.goto(`${url}/?years=1`);
    await page.waitForSelector('[data-painted]');
    return page.locator('.map-cells');
  };
  const seen = () => page.locator('[data-map]').getAttribute('data-seen');
  const asked = async () => { await page.waitForURL('**/runs/new?**'); return new URL(page.url()).searchParams; };
  let cells = await open(), box = await cells.boundingBox();
  await page.mouse.move(box.x + box.width * .4, box.y + 34);
  check(/·.*·.*·/.test(await page.locator('.map-say').textContent()), 'on the map: hovering tells nothing');
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * .5, box.y + 34 + 15 * 2, { steps: 4 });
  await page.mouse.up();
  let query = await asked();
  check(query.getAll('entity').length === 3, `on the map: ${query} are not three entities`);
  check(query.get('from') < query.get('to'), `on the map: ${query} is no range`);
  check(await page.locator('input[name=from]').inputValue() === query.get('from'), 'on the map: the plan has another first day');
  check(await page.locator('input[name=entity]:checked').count() === 3, 'on the map: the plan has other entities');
  cells = await open();
  await cells.focus();
  await page.keyboard.press('End');
  for (const key of ['Shift+ArrowLeft', 'Shift+ArrowLeft', 'Shift+ArrowDown']) await page.keyboard.press(key);
  check(/2\D+3/.test(await page.locator('.map-say').textContent()), `on the map: ${await page.locator('.map-say').textContent()}`);
  await page.keyboard.press('Escape');
  const all = await seen();
  await page.keyboard.press('+');
  check(Number(await seen()) < Number(all), 'on the map: plus does not zoom');
  await page.keyboard.press('-');
  check(await seen() === all, 'on the map: minus does not zoom out');
  await page.locator('.map-axis span').nth(1).click();
  check(await seen() === '31', `on the map: a month has ${await seen()} days`);
}

async function pageOf(browser, language) {
  const context = await browser.newContext({ timezoneId: 'Pacific/Pago_Pago' });
  await context.addCookies([{ name: 'panel_language', value: language, url }]);
  const page = await context.newPage();
  page.on('console', (message) => { if (message.type() === 'error' && !/404 \(Not Found\)/.test(message.text())) check(false, `console: ${message.text()}`); });
  page.on('pageerror', (error) => check(false, `script: ${error.message}`));
  return page;
}

async function firstOf(page, list) {
  await page.goto(url + list);
  return page.locator('tbody th a').first().getAttribute('href');
}

async function asked(place, body) {
  const answer = await fetch(place, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${place}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// Some days that die, and a comparison: what a demo that went well has not.
async function somethingToShow() {
  const few = { connections: ['demo-us'], entities: ['bill'], from: '2026-06-01', to: '2026-06-03' };
  const shown = {};
  if (emulator) {
    const rule = { fault: { kind: 'fault', status: 400, code: 4000 }, company: 'demo-us', entity: 'bill' };
    await asked(`${emulator}/__emulator/faults`, { set: [rule] });
    const { run } = await asked(`${url}/api/v1/runs`, { ...few, from: '2024-02-01', to: '2024-02-03' });
    await (await fetch(`${url}/api/v1/runs/${run}/events`)).text();
    await asked(`${emulator}/__emulator/faults`, { clear: true });
  }
  const letters = await (await fetch(`${url}/api/v1/dead-letters?limit=1`)).json();
  if (letters.items.length) shown.letter = `/dead-letters/${letters.items[0].id}`;
  shown.verification = `/verified/${(await asked(`${url}/api/v1/verify`, few)).id}`;
  return shown;
}

(async () => {
  const began = Date.now();
  fs.rmSync(shots, { recursive: true, force: true });
  fs.mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({ executablePath: process.env.BROWSER, headless: true, args: FLAGS });
  const pages = { en: await pageOf(browser, 'en'), es: await pageOf(browser, 'es') };
  const run = await firstOf(pages.en, '/runs'), company = await firstOf(pages.en, '/connections');
  const screens = { home: '/?month=2026-06&years=1', years: '/?years=5', runs: '/runs', new: '/runs/new', run, cancel: `${run}/cancel`,
    dead: '/dead-letters',
    verified: '/verified?month=2026-06', quarantine: '/quarantine', quota: '/quota', connections: '/connections', company, state: '/state', audit: '/audit', nothing: '/runs/none', ...await somethingToShow() };
  // Both languages at once: most of the time goes into painting.
  await Promise.all(Object.entries(pages).map(async ([language, page]) => {
    for (const [name, at] of Object.entries(screens)) await screen(page, at, `${name}-${language}`);
  }));
  await byKeys(pages.en);
  await onTheMap(pages.en);
  await browser.close();
  if (wrong.length) { console.error(`${wrong.length} things are wrong`); process.exit(1); }
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(`the panel in a browser: ${Object.keys(screens).length} screens, 2 languages, 2 themes, 3 widths in ${seconds} s; screenshots in ${shots}`);
})().catch((error) => { console.error(error); process.exit(1); });
