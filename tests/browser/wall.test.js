// The whole telegraph: a lever on an emulated board, the panel in a browser, and back.

import assert from 'node:assert/strict';

import { after, before, test } from './bounded.js';
import { Panel, Telegraph, launch } from './house.js';
import { Wall } from './wall.js';

/** How long any of these may take, in ms; only what is broken needs it all. */
const timeout = 60_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Runs a test with a server, a wall and a panel. */
function onWall(name, { lever, ...server }, body) {
  test(name, { timeout }, async (t) => {
    const telegraph = await Telegraph.start(server);
    t.after(() => telegraph.stop());
    const wall = await Wall.beside(telegraph, { lever });
    t.after(() => wall.stop());
    const panel = await Panel.open(browser, telegraph.url());
    await body({ telegraph, wall, panel, t });
    await panel.close();
  });
}

onWall('the lever orders, the panel shows it, a click moves the pointer', {
  lever: 6, status: '6', accept: '6',
}, async ({ telegraph, wall, panel, t }) => {
  await wall.expectPointer(6);
  const moved = performance.now();
  wall.lever(7);
  await panel.expectOrder('COFFEE');
  t.diagnostic(`lever moved to panel shown: ${Math.round(performance.now() - moved)} ms, `
    + 'of which the lever rests 250');
  await Promise.all([panel.expectRinging(), wall.expectStroke()]);
  assert.equal(await telegraph.read('status.eot'), '7\n');
  await panel.sector(7).click();
  await Promise.all([panel.expectSilent(), wall.expectPointer(7)]);
  assert.equal(await telegraph.read('accept.eot'), '7\n');
});

onWall('unplugged and plugged in again, the pointer stands where it was answered', {
  lever: 8, status: '8', accept: '8',
}, async ({ telegraph, wall, panel }) => {
  await wall.expectPointer(8);
  await wall.unplug();
  await panel.sector(9).click();
  await panel.expectText('#other', /^Wrong answer: ENGINE WORKING WRONG/);
  await wall.plug(8);
  await wall.expectPointer(9);
  assert.equal(await telegraph.read('status.eot'), '8', 'the lever was not moved');
  await panel.expectOrder('LUNCH');
});
