// The panel for everybody: axe finds nothing, contrasts hold by day and by night, regions tell what
// changes, and no wish of the system (forced colours, stillness, zoom, paper, no script) loses
// anything.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { test } from './bounded.js';
import { Telegraph } from './house.js';
import { visit } from './visit.js';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const { browser, onTelegraph } = visit();

/** What axe has to say of the page as it is. */
async function faults({ page }) {
  // The page's policy lets no script in but its own; the test comes in by the debugger's door.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    rules: { region: { enabled: true } },
  }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

for (const colorScheme of ['light', 'dark']) {
  onTelegraph(`axe finds nothing in any state: ${colorScheme}`, {
    status: '7', accept: '6', args: ['--allow-orders', 'any'], view: { colorScheme },
  }, async (telegraph, panel) => {
    const { page } = panel;
    panel.expectLosses();
    const look = async (what) => assert.deepEqual(await faults(panel), [], what);
    await panel.expectRinging();
    await look('ringing');
    await panel.sector(7).click();
    await panel.expectSilent();
    await look('answered');
    await telegraph.write('status.eot', 'main is broken');
    await panel.expectRinging();
    await look('off the dial');
    await page.click('#ordering');
    await panel.sector(3).click();
    await look('asked whether to order');
    await page.keyboard.press('Escape');
    await page.click('#ordering');
    await page.click('#book-open');
    await panel.expectText('#book tbody tr:nth-child(1)', /main is broken/);
    await look('the bell book');
    await page.keyboard.press('Escape');
    await page.click('#help-open');
    await look('help');
    await page.keyboard.press('Escape');
    await page.keyboard.press('`');
    await page.keyboard.type('status');
    await page.keyboard.press('Enter');
    await panel.expectText('[data-kind="console"]', /^Current Status/);
    await look('the console');
    await page.keyboard.press('`');
    await telegraph.remove('status.eot');
    await panel.expectText('#lamp-status', /status\.eot/);
    await look('a file that is gone');
    await telegraph.signal('SIGKILL');
    await panel.expect('#panel[data-link="lost"]');
    await look('without a link');
  });
}

/** The colours to be told apart: what is on what, and by how much (WCAG 1.4.3, 1.4.11). */
const TEXT = 4.5;
const SHAPE = 3;
const PAIRS = [
  ['ink', 'enamel-1', TEXT], ['ink', 'enamel-2', TEXT], ['ink', 'enamel-3', TEXT],
  ['ink-soft', 'enamel-1', TEXT], ['ink-soft', 'enamel-3', TEXT],
  ['lit-ink', 'lit', TEXT], ['ring-ink', 'ring', TEXT], ['ring-ink', 'ring-2', TEXT], ['ring-ink', 'ring-glow', TEXT],
 
  ['brass-ink', 'brass-1', TEXT], ['brass-ink', 'brass-2', TEXT], ['ring-ink', 'fork-edge', TEXT],
  ['ink', 'page', TEXT], ['ink', 'page-2', TEXT], ['ink', 'card', TEXT],
  ['ink-soft', 'page', TEXT], ['ink-soft', 'page-2', TEXT], ['ink-soft', 'card', TEXT],
  ['red-text', 'page', TEXT], ['red-text', 'page-2', TEXT], ['red-text', 'card', TEXT],
  ['ink', 'amber-page', TEXT],
  ['red', 'enamel-1', SHAPE], ['red', 'enamel-2', SHAPE], ['red', 'enamel-3', SHAPE],
  ['engraved', 'enamel-1', SHAPE], ['engraved', 'enamel-3', SHAPE],
  ['focus', 'enamel-1', SHAPE], ['focus', 'enamel-3', SHAPE], ['focus', 'card', SHAPE],
  ['focus', 'page', SHAPE], ['focus', 'page-2', SHAPE],
  // On brass the focus has a halo, and that is what tells it from the brass.
  ['focus', 'focus-halo', SHAPE],
];

/** The luminance of `rgb(…)` (WCAG 2.2). */
function luminance(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g).map((value) => {
    const part = Number(value) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

for (const colorScheme of ['light', 'dark']) {
  onTelegraph(`contrasts hold: ${colorScheme}`, { view: { colorScheme } }, async (_, { page }) => {
    const names = [...new Set(PAIRS.flatMap(([one, other]) => [one, other]))];
    const colours = await page.evaluate((all) => {
      const probe = document.body.appendChild(document.createElement('i'));
      const found = all.map((name) => {
        probe.style.color = `var(--${name})`;
        return [name, getComputedStyle(probe).color];
      });
      probe.remove();
      return Object.fromEntries(found);
    }, names);
    const wrong = PAIRS.flatMap(([one, other, least]) => {
      const [dark, light] = [colours[one], colours[other]].map(luminance).sort((a, b) => a - b);
      const ratio = (light + 0.05) / (dark + 0.05);
      return ratio >= least ? [] : [`${one} on ${other}: ${ratio.toFixed(2)} < ${least}`];
    });
    assert.deepEqual(wrong, []);
  });
}

onTelegraph('both palettes name the same colours', {}, async (_, { page }) => {
  const [day, night] = await page.evaluate(() => ['day', 'night'].map((name) => {
    const sheet = [...document.styleSheets].find(({ href }) => href?.endsWith(`${name}.css`));
    return [...sheet.cssRules[0].style].filter((property) => property.startsWith('--'));
  }));
  assert.deepEqual(night, day);
});

onTelegraph('a change is told politely, the bell is told at once', { status: '6', accept: '6' },
  async (telegraph, panel) => {
    const { page } = panel;
    const live = (id) => page.locator(id).evaluate((region) =>
      region.getAttribute('aria-live') ?? region.getAttribute('role'));
    assert.deepEqual([await live('#calm'), await live('#alarm')], ['polite', 'alert']);
    const text = (id) => page.locator(id).textContent();
    await panel.expectSilent();
    assert.match(await text('#calm'), /^STOP, answered by the accept file \d\d:\d\d$/);
    assert.equal(await text('#alarm'), '');
    await telegraph.write('status.eot', '7');
    await panel.expectRinging();
    assert.match(await text('#alarm'), /^The bell rings: COFFEE ordered \d\d:\d\d — not answered/);
    assert.equal(await text('#calm'), '');
    const tree = await page.locator('#panel').ariaSnapshot();
    for (const part of [
      'group "CQP / Engine Order Telegraph: COFFEE ordered, not answered"',
      'button "Answer COFFEE"', 'button "Sound is off: click to arm"', 'heading "COFFEE"', 'region "Roll"', 'textbox "Your name"',
    ]) assert.ok(tree.includes(part), `${part} in ${tree}`);
    const answers = page.getByRole('button', { name: 'Answer COFFEE' });
    assert.equal(await answers.count(), 2, 'the sector, and the button that answers');
    await panel.sector(7).click();
    await panel.expectSilent();
    assert.match(await text('#calm'), /^COFFEE, answered by you \d\d:\d\d$/);
    assert.equal(await text('#alarm'), '');
  });

onTelegraph('in forced colours shapes and strokes say it', {
  status: '7', accept: '6', view: { forcedColors: 'active' },
}, async (telegraph, panel) => {
  await panel.expectRinging();
  const stroke = (selector) => panel.page.locator(selector).evaluate((element) =>
    Number.parseFloat(getComputedStyle(element).strokeWidth));
  const others = '.sector:not(.ordered) .wedge >> nth=0';
  assert.ok(await stroke('.sector.ordered .wedge') > 2 * await stroke(others));
  const fill = (selector) => panel.page.locator(selector).first().evaluate((element) =>
    getComputedStyle(element).fill);
  assert.notEqual(await fill('.needle'), await fill('.yoke'));
  assert.notEqual(await fill('.arm'), await panel.page.evaluate(() =>
    getComputedStyle(document.body).backgroundColor));
  assert.notEqual(await fill('.sector.ordered .name'), await fill('.sector.ordered .wedge'));
  assert.notEqual(await fill('.sector:not(.ordered) .name'), 'none');
  assert.deepEqual(await faults(panel), []);
});

onTelegraph('whoever wants stillness has it: steps, a steady light, no animation', {
  status: '7', accept: '6', view: { reducedMotion: 'reduce' },
}, async (telegraph, panel) => {
  await panel.page.click('#sound');
  await panel.expectRinging();
  const running = await panel.page.evaluate(() =>
    document.getAnimations().map((animation) => animation.animationName ?? 'a transition'));
  assert.deepEqual(running, []);
  const lit = await panel.page.locator('.sector.ordered .wedge').evaluate((wedge) =>
    getComputedStyle(wedge).fill);
  await panel.sector(7).click();
  await panel.expectSilent();
  const calm = await panel.page.locator('.sector.ordered .wedge').evaluate((wedge) =>
    getComputedStyle(wedge).fill);
  assert.notEqual(lit, calm);
});

const SCROLLED = ['#ordering', '#name', '#present', '#book-open', '#light', '#help-open'];

onTelegraph('at twice the size nothing is lost on a laptop', {
  status: '9', accept: '1', args: ['--allow-orders', 'any'],
  view: { viewport: { width: 683, height: 384 } },
}, async (telegraph, panel) => {
  await panel.expectText('#other', /FULL/);
  for (const part of [
    '#alive', '#sign', '#order', '#tale', '#other', '#coming-yes', '#coming-no', '#sound',
    '#ordering', '#name', '#present', '#book-open', '#light', '#help-open', '#pi',
  ]) {
    // What is ordered and the answer are seen at once; the rest may have to be scrolled to.
    if (SCROLLED.includes(part)) await panel.page.locator(part).scrollIntoViewIfNeeded();
    const { x, y, width, height } = await panel.page.locator(part).boundingBox();
    const isSeen = x >= 0 && y >= 0 && x + width <= 683.5 && y + height <= 384.5 && height >= 10;
    assert.ok(isSeen, `${part} is at ${x} ${y}, ${width} by ${height}`);
    const text = panel.page.locator(part);
    const isWhole = await text.evaluate(({ scrollHeight, clientHeight, tagName }) =>
      tagName === 'BUTTON' || clientHeight === 0 || scrollHeight <= clientHeight + 8);
    assert.ok(isWhole, `${part} is cut`);
  }
});

for (const [width, height] of [[360, 640], [1366, 768], [683, 384]]) {
  onTelegraph(`every hand is 44 pixels or more at ${width} by ${height}`, {
    status: 'main is broken', accept: '6', args: ['--allow-orders', 'any'],
    view: { viewport: { width, height } },
  }, async (telegraph, panel) => {
    await panel.expectRinging();
    const small = await panel.page.evaluate(() =>
      [...document.querySelectorAll('button, input, .sector .hit, .ships-bell .hit')]
        .map((element) =>
          [element.id || element.getAttribute('class'), element.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && (box.width < 43.9 || box.height < 43.9))
        .map(([name, box]) => `${name}: ${box.width} by ${box.height}`));
    assert.deepEqual(small, []);
  });
}

onTelegraph('on paper there are the dial and the words, and nothing to press', {
  status: '7', accept: '7', view: { colorScheme: 'dark' },
}, async (telegraph, panel) => {
  await panel.expectSilent();
  await panel.page.emulateMedia({ media: 'print' });
  for (const part of ['#dial', '#order', '#tale']) {
    assert.ok(await panel.page.locator(part).isVisible(), part);
  }
  assert.equal(await panel.page.locator('button:visible, input:visible').count(), 0);
  const scheme = await panel.page.evaluate(() =>
    getComputedStyle(document.documentElement).colorScheme);
  assert.equal(scheme, 'light', 'paper is white, also at night');
});

test('without script the page says where the order can be read', async (t) => {
  const telegraph = await Telegraph.start({ status: 'coffee' });
  t.after(() => telegraph.stop());
  const context = await browser().newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(telegraph.url());
  const note = page.locator('.without-script');
  assert.match(await note.textContent(), /needs JavaScript/);
  assert.ok(await note.isVisible());
  assert.ok(await page.locator('#panel').isHidden());
  await note.locator('a').first().click();
  assert.match(await page.locator('body').textContent(), /^coffee/);
  await context.close();
});
