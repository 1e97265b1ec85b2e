// Takes a picture of every scene, by day and by night, on a phone, a laptop and on walls:
// `node shots.js DIRECTORY [SCENE]...`. `cargo xtask shots` runs it.
//
// Each picture is SCENE-LIGHT-PLACE.png, or .jpeg with JPEG=1 in the environment, and key.txt says what each was set to.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Panel, Telegraph, launch } from './house.js';
import { ROOMS, SCENES } from './scenes.js';

/** The places where panels hang: width and height in CSS pixels, and pixels a pixel. */
const PLACES = {
  phone: [360, 640, 2],
  laptop: [1366, 768, 1],
  wall: [1920, 1080, 1],
  'wall-4k': [3840, 2160, 1],
  'wall-upright': [1080, 1920, 1],
};

const LIGHTS = { day: 'light', night: 'dark' };

/** Pictures to look at, or small ones for the README. */
const FORMAT = process.env.JPEG ? { format: 'jpeg', quality: 84 } : { format: 'png' };

/** How many scenes are set up at once. */
const HANDS = 2;

const [directory, ...only] = process.argv.slice(2);
const places = (process.env.PLACES ?? Object.keys(PLACES).join()).split(',');
const lights = (process.env.LIGHTS ?? Object.keys(LIGHTS).join()).split(',');
const key = [];

async function photograph(browser, scene) {
  const telegraph = await Telegraph.start(scene.server);
  const panels = [];
  const open = async (options) => {
    const panel = await Panel.open(browser, telegraph.url(), options);
    panel.expectLosses();
    panels.push(panel);
    return panel;
  };
  try {
    const viewport = { width: 1366, height: 768 };
    const panel = await open({ viewport, prepare: scene.prepare });
    const seat = async (name) => {
      const one = await open();
      await one.isCalled(name);
      return one;
    };
    if (scene.sound) await panel.page.click('#sound');
    await scene.act({ telegraph, panel, seat });
    await take(panel, scene);
  } finally {
    await Promise.allSettled(panels.map((panel) => panel.context.close()));
    await telegraph.stop();
  }
}

async function take(panel, { name, says, again }) {
  const { page, context } = panel;
  const device = await context.newCDPSession(page);
  await page.mouse.move(2, 2);
  for (const light of lights) {
    await page.emulateMedia({ colorScheme: LIGHTS[light], reducedMotion: 'reduce' });
    for (const place of places) {
      const [width, height, deviceScaleFactor] = PLACES[place];
      await device.send('Emulation.setDeviceMetricsOverride', {
        width, height, deviceScaleFactor, mobile: false,
      });
      await again?.(panel);
      await page.evaluate(() => new Promise((done) => {
        requestAnimationFrame(() => requestAnimationFrame(done));
      }));
      const { data } = await device.send('Page.captureScreenshot', FORMAT);
      const file = `${name}-${light}-${place}.${FORMAT.format}`;
      await writeFile(join(directory, file), Buffer.from(data, 'base64'));
      key.push(`${file}: ${says}`);
    }
  }
}

const scenes = [...SCENES, ...ROOMS].filter(({ name }) => only.length === 0 || only.includes(name));
await mkdir(directory, { recursive: true });
const browser = await launch();
const queue = [...scenes];
const faults = [];
await Promise.all(Array.from({ length: HANDS }, async () => {
  for (let scene = queue.shift(); scene; scene = queue.shift()) {
    try {
      await photograph(browser, scene);
    } catch (error) {
      faults.push(`${scene.name}: ${error.stack}`);
    }
  }
}));
await browser.close();
await writeFile(join(directory, 'key.txt'), `${key.sort().join('\n')}\n`);
console.log(`${key.length} pictures in ${directory}`);
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
