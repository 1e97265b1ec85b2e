// The relay's page in a real browser: cameras and boxes are shown as they change, and a box is tracked and stopped by
// mouse, by touch and by keyboard, at a desk and on a phone.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { after, before, test } from './bounded.js';
import { Panel, launch } from './house.js';
import { Processor, Relay, box } from './relay.js';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const DESK = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

const GATE = [
  box(1, [0.1, 0.2, 0.4, 0.6]),
  box('lamp', [0.6, 0.3, 0.7, 0.42], { objectType: 'lamp', certainty: 0.75 }),
  box(3, [0.5, 0.5, 0.51, 0.51], { objectType: 'speck' }),
  box(4, [0.9, 0, 1, 0.1], { objectType: 'corner' }),
];
const YARD = [box(1, [0.3, 0.3, 0.8, 0.9], { objectType: 'circle' })];

const pick = (camera, text) => `[data-camera="${camera}"] .box[aria-label^="Track ${text}"]`;

/** Goes with Tab, and among the boxes of a camera with arrows, until this has the focus; then Enter. */
async function pressByKeys({ page }, selector) {
  const isThere = () => page.evaluate((wanted) => document.activeElement?.matches(wanted), selector);
  const isInItsCamera = () => page.evaluate((wanted) =>
    document.activeElement?.closest('.view')?.contains(document.querySelector(wanted)), selector);
  for (let k = 0; k < 40 && !await isThere(); k += 1) {
    await page.keyboard.press(await isInItsCamera() ? 'ArrowRight' : 'Tab');
  }
  assert.ok(await isThere(), `the keys lead to ${selector}`);
  await page.keyboard.press('Enter');
}

const WAYS = {
  mouse: { press: ({ page }, selector) => page.click(selector), view: DESK },
  touch: { press: ({ page }, selector) => page.tap(selector), view: PHONE },
  keyboard: { press: pressByKeys, view: DESK },
};

const open = (relay, view = DESK) => Panel.open(browser, relay.url(), { waits: true, ...view });

for (const [way, { press, view }] of Object.entries(WAYS)) {
  test(`by ${way} a box is tracked, found by another camera, and stopped`, async (t) => {
    const relay = await Relay.start();
    t.after(() => relay.stop());
    const gate = await Processor.link(relay, 'gate', GATE);
    const yard = await Processor.link(relay, 'yard <b>', YARD);
    t.after(() => [gate, yard].forEach((it) => it.close()));
    const panel = await open(relay, view);
    await panel.expect('[data-link="open"]');
    await panel.expectText('[data-camera="gate"] h2', 'gate');
    await panel.expectText('[data-camera="yard <b>"] h2', 'yard <b>');
    await panel.expectText('[data-camera="gate"] .head p', '4 boxes');

    await press(panel, pick('gate', 'lamp'));
    const start = await gate.hears(({ type }) => type === 'start');
    assert.equal(start.boxId, 'lamp');
    const { frameId, objectId } = start;
    assert.ok(frameId <= gate.frameId && frameId > gate.frameId - 3, 'one of the last 32 frames');
    const name = `#${String(objectId).slice(-4)}`;
    await panel.expectText('#word', `${name} is tracked, as gate sees it.`);
    await panel.expectText('#list li span', 'not known by its looks yet, started at gate');

    gate.say({ type: 'featureMap', objectId, featureMap: [0.5, 0.5] });
    assert.deepEqual((await yard.hears(({ type }) => type === 'featureMap')).objectId, objectId);
    gate.boxes = [GATE[0], box('lamp', [0.6, 0.3, 0.7, 0.42], { objectType: 'lamp', objectId })];
    yard.boxes = [{ ...YARD[0], objectId }];
    await panel.expectText('#list li span', 'seen by gate, yard <b>, started at gate');
    await panel.expectText(`[data-camera="yard <b>"] [data-object="${objectId}"] span`, `${name} circle, 90 %`);
    assert.equal(await panel.page.locator('[data-camera="gate"] .box').count(), 2, 'what is gone is gone');

    await press(panel, `#list button[aria-label="Stop ${name}"]`);
    for (const processor of [gate, yard]) await processor.hears((it) => it.type === 'stop' && it.objectId === objectId);
    await panel.expectText('#word', `${name} is stopped.`);
    await panel.expect('#list:empty');
    await panel.close();
  });
}

test('a box keeps its button and the focus while it moves, and a small one can be hit', async (t) => {
  const relay = await Relay.start();
  t.after(() => relay.stop());
  const gate = await Processor.link(relay, 'gate', GATE);
  t.after(() => gate.close());
  const panel = await open(relay);
  const button = panel.page.locator(pick('gate', 'blob'));
  await button.focus();
  const twin = await button.elementHandle();
  gate.boxes = [GATE[2], box(1, [0.45, 0.25, 0.75, 0.65])];
  await panel.page.waitForFunction((it) => parseFloat(it.style.left) > 40, twin);
  assert.ok(await twin.evaluate((it) => it.isConnected && it === document.activeElement), 'the same button');
  const { x, y, width, height } = await panel.page.locator(pick('gate', 'speck')).boundingBox();
  assert.ok(width < 12, 'it is small');
  await panel.page.mouse.click(x + width / 2 + 15, y + height / 2 + 15);
  assert.equal((await gate.hears(({ type }) => type === 'start')).boxId, 3);
  await panel.close();
});

test('a camera that goes, one that is silent, and a relay that restarts are all said', async (t) => {
  let relay = await Relay.start();
  t.after(() => relay.stop());
  const panel = await open(relay);
  await panel.expectText('#no-camera', /^No camera is connected. A processor comes to ws:\/\/127.0.0.1:\d+\/processor\.$/);
  const gate = await Processor.link(relay, 'gate', GATE);
  await panel.expectText('[data-camera="gate"] .head p', '4 boxes');
  gate.pause();
  await panel.expectText('[data-camera="gate"] .head p', /^no frame for \d+ s$/);
  gate.resume();
  await panel.expectText('[data-camera="gate"] .head p', '4 boxes');
  gate.close();
  await panel.expect('#cameras:empty');
  panel.expectLosses();
  const { port } = relay;
  await relay.stop();
  await panel.expectText('#link', /^No connection. Trying again/);
  relay = await Relay.start({ port });
  await panel.expectText('#link', 'Connected: 0 cameras');
  await panel.close();
});

test('who needs the token is asked for it, and again for a wrong one', async (t) => {
  const relay = await Relay.start({ token: 'brass' });
  t.after(() => relay.stop());
  const gate = await Processor.link(relay, 'gate', GATE, { token: 'brass' });
  t.after(() => gate.close());
  const panel = await open(relay);
  panel.expectLosses();
  for (const token of ['copper', 'brass']) {
    await panel.page.locator('#ask[open] #token').fill(token);
    await panel.page.locator('#token').press('Enter');
    await panel.expect('#ask:not([open])');
  }
  await panel.expectText('[data-camera="gate"] .head p', '4 boxes');
  await panel.page.reload();
  await panel.expectText('[data-camera="gate"] .head p', '4 boxes');
  await panel.close();
});

test('it is readable from a phone to a wall, by day and by night, and nothing is wrong with it', async (t) => {
  const relay = await Relay.start();
  t.after(() => relay.stop());
  const cameras = ['gate', 'yard', 'hall', 'a camera with quite a long name over the door'];
  const processors = await Promise.all(cameras.map((id) => Processor.link(relay, id, GATE)));
  t.after(() => processors.forEach((it) => it.close()));
  processors[0].say({ type: 'featureMap', objectId: 17, featureMap: [] });
  processors[1].boxes = [{ ...YARD[0], objectId: 17 }];
  const axe = await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
  for (const [name, view] of Object.entries({ phone: PHONE, desk: DESK, wall: { viewport: { width: 3840, height: 2160 } } })) {
    for (const colorScheme of ['light', 'dark']) {
      const panel = await open(relay, { ...view, colorScheme });
      await panel.expectText('#list li span', 'seen by yard');
      const { page } = panel;
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${name}: nothing is wider than the window`);
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/relay-${name}-${colorScheme}.png` });
      // Past the page's policy, which lets no script in but its own.
      const found = await page.evaluate(`(() => { ${axe}; return axe.run(); })()`);
      assert.deepEqual(found.violations.map(({ id, nodes }) => [id, nodes[0].html]), [], `${name}, ${colorScheme}`);
      await panel.close();
    }
  }
});
