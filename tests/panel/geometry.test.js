// The dial by numbers: angles, parking places, outlines, the plate.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  arcPath, arcsOf, baselines, isFlipped, layout, plateHalfWidth, polar, sectorPath,
} from '../../static/geometry.js';

const COUNTS = Array.from({ length: 22 }, (_, index) => index + 3);

function near(actual, expected, what) {
  assert.ok(Math.abs(actual - expected) < 0.002, `${what ?? ''} ${actual} is not ${expected}`);
}

/** The coordinates in a path's data, in order. */
function numbers(path) {
  return path.match(/-?[0-9.]+/g).map(Number);
}

test('the first office: eleven sectors 20.84 degrees apart, number 6 at the top', () => {
  const { step, angles } = layout(11);
  near(step, 20.84);
  const expected = [
    -104.2, -83.36, -62.52, -41.68, -20.84, 0, 20.84, 41.68, 62.52, 83.36, 104.2,
  ];
  angles.forEach((angle, index) => near(angle, expected[index], `number ${index + 1}`));
});

for (const count of COUNTS) {
  test(`a dial of ${count}: even, mirrored, no overlap, room for plate and parked pointers`, () => {
    const { step, angles, park } = layout(count);
    assert.equal(angles.length, count);
    angles.slice(1).forEach((angle, index) => near(angle - angles[index], step));
    angles.forEach((angle, index) => near(angle, -angles[count - 1 - index]));
    const span = angles.at(-1) - angles[0];
    assert.ok(span <= (count <= 11 ? 208.401 : 276.001), `span ${span}`);
    assert.ok(step <= 40 && step >= 12 - 0.001, `step ${step}`);
    assert.ok(park >= angles.at(-1) + step, 'a parked fork keeps off the last sector');
    assert.ok(park + step / 2 < 180, 'a parked fork does not reach across the bottom');
    assert.ok(plateHalfWidth({ step, park }, 300, 402) > 75, 'the plate has its place');
  });
}

test('more sectors are never wider', () => {
  COUNTS.slice(1).forEach((count) => {
    assert.ok(layout(count).step <= layout(count - 1).step + 0.001);
  });
});

test('angles go clockwise from the top', () => {
  for (const [angle, x, y] of [[0, 0, -100], [90, 100, 0], [-90, -100, 0], [180, 0, 100]]) {
    const point = polar(angle, 100);
    near(point.x, x);
    near(point.y, y);
  }
});

test('a sector is outlined by its two angles and radii', () => {
  const path = sectorPath(-10, 10, 50, 100);
  const [x1, y1, r1, r1b, , large, sweep, x2, y2, x3, y3] = numbers(path);
  near(Math.hypot(x1, y1), 100);
  near(Math.hypot(x2, y2), 100);
  near(Math.hypot(x3, y3), 50);
  near(x1, -x2);
  assert.deepEqual([r1, r1b, large, sweep], [100, 100, 0, 1]);
  assert.ok(path.endsWith('Z'));
  assert.match(sectorPath(-100, 100, 50, 100), /A100 100 0 1 1/);
});

test('an arc runs from its first angle to its second, either way round', () => {
  const [, , , , , , sweep, x, y] = numbers(arcPath(-10, 10, 100));
  assert.equal(sweep, 1);
  near(x, polar(10, 100).x);
  near(y, polar(10, 100).y);
  const back = numbers(arcPath(10, -10, 100));
  assert.equal(back[6], 0);
  near(back[7], polar(-10, 100).x);
  assert.equal(numbers(arcPath(120, -120, 100))[5], 1, 'the large arc');
});

test('no writing stands on its head', () => {
  assert.deepEqual([0, 83.36, -90, 104.2, -104.2, 180].map(isFlipped),
    [false, false, false, true, true, true]);
});

test('lines lie in their band, the first one on top for the reader', () => {
  const band = { inner: 280, outer: 400, size: 24, leading: 1.1 };
  const upright = baselines(3, { ...band, flipped: false });
  assert.ok(upright[0] > upright[1] && upright[1] > upright[2]);
  assert.ok(upright[0] + 0.72 * 24 < 400 && upright[2] > 280);
  const flipped = baselines(3, { ...band, flipped: true });
  assert.ok(flipped[0] < flipped[1] && flipped[1] < flipped[2]);
  assert.ok(flipped[0] - 0.72 * 24 > 280 && flipped[2] < 400);
});

test('neighbours of one arc share it', () => {
  const arcs = ['A', 'A', null, 'B', 'A', 'B', 'B'];
  assert.deepEqual(arcsOf(arcs.map((arc) => ({ arc }))), [
    { name: 'A', first: 0, last: 1 },
    { name: 'B', first: 3, last: 3 },
    { name: 'A', first: 4, last: 4 },
    { name: 'B', first: 5, last: 6 },
  ]);
});
