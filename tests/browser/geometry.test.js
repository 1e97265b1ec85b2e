// The dial by numbers: where pointers point, what is under a point, and that no name leaves its
// sector, for dials of 3 to 24 positions with names of every kind.

import assert from 'node:assert/strict';

import { layout, polar } from '../../static/geometry.js';
import { after, before, test } from './bounded.js';
import { Panel, Telegraph, launch } from './house.js';

/** What a pointer's angle may be off, in degrees; it is drawn where it is told to be. */
const OFF = 0.01;

/** How far a letter's corner may stand beyond its sector, in units of a thousand a dial. */
const STRAY = 1.5;

/** Names short and long, with joints and without, from the left and from the right. */
const NAMES = [
  'FULL', 'ENGINE WORKING WRONG', 'deployment-rollback-in-progress', 'Donaudampfschifffahrt',
  'מלוא הכוח אחורה', 'لحظة من فضلك', '停止前進', 'A',
  'one two three four five six seven', '🔔 bell', 'W'.repeat(40), 'BATTLE STATIONS',
];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A dial whose names are all different, and of every kind. */
function dial(count) {
  const names = Array.from({ length: count }, (_, k) => {
    const name = NAMES[(k + count) % NAMES.length];
    return k < NAMES.length ? name : [...`${k} ${name}`].slice(0, 40).join('');
  });
  const each = names.map((name, k) =>
    `[[positions]]\nname = "${name}"\narc = "${k < count / 2 ? 'MANDATE' : 'أمر'}"\n`);
  return `title = "Station / ${count}"\n\n${each.join('\n')}`;
}

/** Each sector's letters, as corners `[radius, angle]` around the dial's centre. */
function letters() {
  const svg = document.querySelector('#dial');
  const toDial = svg.getScreenCTM().inverse();
  return [...document.querySelectorAll('.sector')].map((sector) =>
    [...sector.querySelectorAll('.name')].map((text) => {
      const matrix = toDial.multiply(text.getScreenCTM());
      const size = Number(text.getAttribute('font-size'));
      const corners = [];
      for (let k = 0; k < text.getNumberOfChars(); k += 1) {
        const [a, b] = [text.getStartPositionOfChar(k), text.getEndPositionOfChar(k)];
        const turn = (text.getRotationOfChar(k) * Math.PI) / 180;
        // A capital is about 0.72 of the size high, and stands on its baseline.
        for (const { x, y } of [a, b]) {
          for (const up of [0, 0.72 * size]) {
            const point = new DOMPoint(x + up * Math.sin(turn), y - up * Math.cos(turn));
            corners.push(point.matrixTransform(matrix));
          }
        }
      }
      return {
        text: text.textContent,
        corners: corners.map(({ x, y }) =>
          [Math.hypot(x, y), (Math.atan2(x, -y) * 180) / Math.PI]),
      };
    }));
}

/** The angle at which a pointer is drawn, in degrees. */
function drawnAngle(pointer) {
  const { a, b } = new DOMMatrix(getComputedStyle(pointer).transform);
  return (Math.atan2(b, a) * 180) / Math.PI;
}

async function assertAngle(panel, pointer, wanted) {
  const drawn = await panel.page.locator(`.pointer.${pointer}`).evaluate(drawnAngle);
  assert.ok(Math.abs(drawn - wanted) < OFF, `${pointer} at ${drawn}, not ${wanted}`);
}

for (const count of [3, 4, 7, 11, 16, 20, 24]) {
  test(`a dial of ${count}: names within their sectors, pointers and points right`, async (t) => {
    const telegraph = await Telegraph.start({ dial: dial(count), status: '1', accept: '1' });
    t.after(() => telegraph.stop());
    const panel = await Panel.open(browser, telegraph.url());
    const { step, angles } = layout(count);
    await panel.expectSilent();

    const sectors = await panel.page.evaluate(letters);
    assert.equal(sectors.length, count);
    sectors.forEach((lines, index) => {
      assert.ok(lines.length > 0 && lines.every(({ corners }) => corners.length > 0));
      for (const { text, corners } of lines) {
        for (const [radius, angle] of corners) {
          assert.ok(radius > 262 && radius < 416, `${text}: a letter at radius ${radius}`);
          // In units of length, since a degree is worth less further in.
          const beyond = ((Math.abs(angle - angles[index]) - step / 2) * Math.PI * radius) / 180;
          assert.ok(beyond < STRAY, `${text}: a letter ${beyond} beyond its sector`);
        }
      }
      // Lines of one name stand apart: in along the arc, or side by side along the radius.
      for (const [k, { corners }] of lines.entries()) {
        const next = lines[k + 1]?.corners;
        if (next) assert.ok(apart(corners, next), `lines of ${lines[k].text} overlap`);
      }
    });

    const size = await panel.page.locator('#dial').boundingBox();
    for (const [index, angle] of angles.entries()) {
      for (const [off, radius] of [[0, 345], [step * 0.47, 300], [-step * 0.47, 400]]) {
        const { x, y } = polar(angle + off, radius);
        const unit = size.width / 1000;
        const at = { x: size.x + (x + 500) * unit, y: size.y + (y + 500) * unit };
        const found = await panel.page.evaluate(({ x: left, y: top }) =>
          document.elementFromPoint(left, top).closest('.sector')?.dataset.position, at);
        assert.equal(found, String(index + 1), `at ${angle + off}°, ${radius}`);
      }
    }

    await assertAngle(panel, 'order', angles[0]);
    await telegraph.write('status.eot', String(count));
    await panel.expectRinging();
    await assertAngle(panel, 'order', angles.at(-1));
    await assertAngle(panel, 'reply', angles[0]);
    await telegraph.write('accept.eot', String(count));
    await panel.expectSilent();
    await assertAngle(panel, 'reply', angles.at(-1));
    await panel.close();
  });
}

/** Whether two lines share no place: by radius, or else across the radius. */
function apart(one, other) {
  const span = (corners, of) => {
    const values = corners.map(of);
    return [Math.min(...values), Math.max(...values)];
  };
  return [([radius]) => radius, ([radius, angle]) => radius * Math.sin((angle * Math.PI) / 180),
    ([radius, angle]) => radius * Math.cos((angle * Math.PI) / 180), ([, angle]) => angle,
  ].some((of) => {
    const [a, b] = [span(one, of), span(other, of)];
    return a[1] < b[0] + STRAY || b[1] < a[0] + STRAY;
  });
}

test('off the dial both pointers are parked beside it, apart and together', async (t) => {
  const telegraph = await Telegraph.start({ status: 'main is broken', accept: 'what?' });
  t.after(() => telegraph.stop());
  const panel = await Panel.open(browser, telegraph.url());
  const { park } = layout(11);
  await assertAngle(panel, 'order', -park);
  await assertAngle(panel, 'reply', park);
  await panel.page.getByRole('button', { name: 'Acknowledge' }).click();
  await panel.expectSilent();
  await assertAngle(panel, 'reply', -park);
  await panel.close();
});

test('pointers swing: the order overshoots and comes to rest, the reply too', async (t) => {
  const telegraph = await Telegraph.start({ status: '6', accept: '6' });
  t.after(() => telegraph.stop());
  const panel = await Panel.open(browser, telegraph.url(), { reducedMotion: 'no-preference' });
  const { angles } = layout(11);
  for (const [pointer, file] of [['order', 'status.eot'], ['reply', 'accept.eot']]) {
    // The swing is stopped and looked at moment by moment, however few frames the machine draws.
    // Whoever waits for it is there before the file is written.
    await panel.page.evaluate((name) => {
      const element = document.querySelector(`.pointer.${name}`);
      globalThis.swing = new Promise((done) => {
        element.addEventListener('transitionrun', () => {
          const [swing] = element.getAnimations();
          swing.pause();
          const seen = [];
          for (let time = 0; time <= swing.effect.getComputedTiming().duration; time += 10) {
            swing.currentTime = time;
            const { a, b } = new DOMMatrix(getComputedStyle(element).transform);
            seen.push((Math.atan2(b, a) * 180) / Math.PI);
          }
          swing.finish();
          done(seen);
        }, { once: true });
      });
    }, pointer);
    await telegraph.write(file, '9');
    const seen = await panel.page.evaluate(() => globalThis.swing);
    assert.ok(Math.max(...seen) > angles[8] + 1, `the ${pointer} overshoots`);
    assert.ok(Math.max(...seen) < angles[8] + 20, 'but not wildly');
    await assertAngle(panel, pointer, angles[8]);
  }
  await panel.close();
});
