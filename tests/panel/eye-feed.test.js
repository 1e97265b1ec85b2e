// What comes over the link of a camera's page: readings, and the pictures that belong to them.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Feed, describe, rate } from '../../crates/chadburn-eye/static/eye-feed.js';

const reading = (more = {}) => JSON.stringify({ health: 'sees', source: 'scene:1', keys: true, ...more });
const frame = (frameId) => reading({ frameId, width: 4, height: 3, mediaType: 'image/jpeg', boxes: [] });

function feed() {
  const told = [];
  const made = new Feed({
    onReading: ({ health, frameId }) => told.push(`${health} ${frameId ?? '-'}`),
    onFrame: ({ frameId }, blob) => told.push(`picture ${frameId} ${blob.type} ${blob.size}`),
  });
  return { made, told };
}

test('a picture belongs to the reading before it', () => {
  const { made, told } = feed();
  made.text(frame(1));
  made.binary(new ArrayBuffer(7));
  made.text(reading({ health: 'frozen' }));
  made.text(frame(2));
  // How things are may be said between the two.
  made.text(reading({ health: 'no frames' }));
  made.binary(new ArrayBuffer(8));
  assert.deepEqual(told, [
    'sees 1', 'picture 1 image/jpeg 7', 'frozen -', 'sees 2', 'no frames -', 'picture 2 image/jpeg 8',
  ]);
});

test('a picture without a reading is nobody\'s, also on the next connection', () => {
  const { made, told } = feed();
  made.binary(new ArrayBuffer(7));
  made.text(frame(1));
  made.reset();
  made.binary(new ArrayBuffer(7));
  made.text(frame(2));
  made.binary(new ArrayBuffer(7));
  made.binary(new ArrayBuffer(7));
  assert.deepEqual(told, ['sees 1', 'sees 2', 'picture 2 image/jpeg 7']);
});

test('what is no reading is ignored', () => {
  const { made, told } = feed();
  for (const text of ['', 'null', '7', '{}', '{"health":7}', '[', '{"frameId":1,"boxes":[]}']) made.text(text);
  made.text(reading({ frameId: 1 }));
  made.binary(new ArrayBuffer(7));
  assert.deepEqual(told, ['sees 1'], 'a frame without boxes is none');
});

test('the rate is that of the frames that came', () => {
  assert.equal(rate([]), 0);
  assert.equal(rate([5]), 0);
  assert.equal(rate([5, 5]), 0);
  assert.equal(rate([0, 100, 200, 300]), 10);
});

test('a box is called by its number, and one that is tracked by its object\'s', () => {
  assert.equal(describe({ boxId: 3, objectType: 'circle' }), 'circle 3');
  assert.equal(describe({ boxId: 3, objectType: 'blob', objectId: 7 }), 'blob (7)');
});
