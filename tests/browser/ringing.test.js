// What ringing costs: it goes on for hours, on walls without a graphics card.

import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';

import { after, before, test } from './bounded.js';
import { STEPS_MS } from '../../static/swing.js';
import { Telegraph, launch } from './house.js';
import { openScripted, state, welcome } from './scripted.js';

/** One turn of the bell's pattern (bell.js), in ms; and how many of them are looked at. */
const TURN_MS = 3_200;
const TURNS = 3;

/** The most pictures a turn may need. */
const PICTURES = 10;

/**
 * The share of what the plainest light costs, one that a browser paints anew for each frame: a third
 * of a core at 1080p on an idle machine, where ringing takes less than a twentieth. A busy machine
 * paints fewer frames, and so the light costs less there.
 */
const SHARE = 0.5;

let browser;
let telegraph;
before(async () => {
  browser = await launch();
  telegraph = await Telegraph.start();
});
after(async () => {
  await browser.close();
  await telegraph.stop();
});

const settled = () => state(7, { reply: 7, who: 'Tim' });
const ringing = () => state(7, { reply: 6, bell: true });

/** A panel at 1080p, whose processes' time and whose work are counted. */
async function open(reducedMotion) {
  const panel = await openScripted(browser, telegraph.url(), [welcome(), settled()], {
    viewport: { width: 1920, height: 1080 }, reducedMotion,
  });
  const machine = await browser.newBrowserCDPSession();
  const say = (message) => panel.page.evaluate((said) => globalThis.wire.say(said), message);

  /** What this panel's renderer and what draws all of them have used meanwhile, in ms a second. */
  async function cost(ms) {
    const used = async () => new Map((await machine.send('SystemInfo.getProcessInfo')).processInfo
      .filter(({ type }) => type === 'renderer' || type === 'GPU').map(({ id, cpuTime }) => [id, cpuTime]));
    const before = await used();
    await setTimeout(ms);
    let sum = 0;
    for (const [id, time] of await used()) sum += time - (before.get(id) ?? time);
    return (sum * 1_000) / (ms / 1_000);
  }

  /** How often each of these happened in the page or in what draws it. */
  async function counts(ms) {
    const categories = ['devtools.timeline', 'cc', 'viz'];
    await browser.startTracing(panel.page, { categories });
    await setTimeout(ms);
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
    const count = (name) => traceEvents.filter((event) => event.name === name && event.ph !== 'E').length;
    return {
      layouts: count('Layout'), paints: count('Paint'), drawn: count('Display::DrawAndSwap'),
    };
  }
  return { panel, say, cost, counts };
}

test('ringing paints nothing, draws little, and costs a part of what a painted light would', async (t) => {
  const { panel, say, cost, counts } = await open('no-preference');
  t.after(() => panel.context.close());
  const span = TURN_MS * TURNS;
  // What the browser does at its start is none of it.
  await panel.expectSilent();
  await cost(TURN_MS);
  const calm = await cost(span);
  await say(ringing());
  await panel.expectRinging();
  // The pointer swings for a while.
  await panel.page.evaluate(() => Promise.all(document.getAnimations()
    .filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished)));
  const running = await panel.page.evaluate(() => document.getAnimations().length);
  assert.equal(running, 0, 'what runs by itself is looked at for each frame');
  const looks = await panel.page.evaluate(async (steps) => {
    const bell = document.getElementById('panel');
    const shown = (selector) => [...document.querySelectorAll(selector)]
      .map((at) => Number(getComputedStyle(at).opacity).toFixed(2)).join();
    const seen = new Map();
    while (seen.size < steps) {
      seen.set(bell.dataset.step, `${shown('.pose')} ${shown('.sector.ordered .flare')}`);
      await new Promise((done) => new MutationObserver((_, at) => {
        at.disconnect();
        done();
      }).observe(bell, { attributeFilter: ['data-step'] }));
    }
    return [...seen].sort().map(([, look]) => look);
  }, STEPS_MS.length);
  for (const look of looks) assert.equal(look.split(' ')[0].match(/1\.00/gu)?.length, 1, 'one bell is seen');
  assert.ok(looks.every((look, at) => look !== looks[at - 1]), `each step differs: ${looks.join('; ')}`);
  const rings = await cost(span);
  const work = await counts(span);
  await panel.page.evaluate(() => {
    const wedge = document.querySelector('.sector.ordered .wedge');
    wedge.animate([{ fill: 'red' }, { fill: 'black' }], { duration: 900, iterations: Infinity });
  });
  const painted = await cost(span);
  const figures = [calm, rings, painted].map((ms) => `${(ms / 10).toFixed(1)} %`);
  t.diagnostic(`of a core: calm ${figures[0]}, ringing ${figures[1]}, painted ${figures[2]}; `
    + `in ${TURNS} turns ${JSON.stringify(work)}`);
  // Tracing begins and ends with a picture of its own.
  assert.ok(work.layouts <= 2 && work.paints <= 4, `in the steady state ${JSON.stringify(work)}`);
  assert.ok(work.drawn > TURNS, 'something moves');
  assert.ok(work.drawn <= TURNS * PICTURES + 4, `${work.drawn} pictures in ${TURNS} turns`);
  assert.ok(rings - calm < SHARE * (painted - calm), `${figures[1]} beside ${figures[2]}`);
  await panel.close();
});

test('whoever wants stillness is drawn nothing while it rings', async () => {
  const { panel, say, counts } = await open('reduce');
  await say(ringing());
  await panel.expectRinging();
  await panel.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.equal(await panel.page.evaluate(() => document.getElementById('panel').dataset.step), undefined);
  const work = await counts(TURN_MS);
  assert.ok(work.drawn <= 4 && work.layouts <= 2, JSON.stringify(work));
  await panel.close();
});
