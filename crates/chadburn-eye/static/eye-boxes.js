// The boxes over the picture, and the same in words. A box stays the same element while it is followed.
//
// It only draws; text as text.

import { mark, say } from './svg.js';
import { describe } from './eye-feed.js';

export class Boxes {
  #place;
  #list;
  #shown = new Map();
  #lines = new Map();

  constructor(place, list) {
    this.#place = place;
    this.#list = list;
  }

  /** Shows these boxes and no others. */
  show(boxes) {
    const kept = new Set();
    for (const box of boxes) {
      const key = String(box.boxId);
      kept.add(key);
      this.#draw(this.#element(key), box);
      this.#tell(this.#line(key), box);
    }
    for (const all of [this.#shown, this.#lines]) {
      for (const [key, element] of all) {
        if (kept.has(key)) continue;
        element.remove();
        all.delete(key);
      }
    }
  }

  #element(key) {
    return entry(this.#shown, key, () => {
      const element = document.createElement('div');
      element.className = 'box';
      const label = document.createElement('span');
      label.append(document.createElement('i'), document.createTextNode(''));
      element.append(label);
      this.#place.append(element);
      return element;
    });
  }

  #line(key) {
    return entry(this.#lines, key, () => {
      const line = document.createElement('li');
      line.append(document.createElement('span'), document.createElement('span'));
      this.#list.append(line);
      return line;
    });
  }

  #draw(element, box) {
    const [left, top, right, bottom] = box.rect;
    const { style } = element;
    style.left = `${100 * left}%`;
    style.top = `${100 * top}%`;
    style.width = `${100 * (right - left)}%`;
    style.height = `${100 * (bottom - top)}%`;
    mark(element, 'data-high', top < 0.07 ? '' : null);
    mark(element, 'data-right', left > 0.8 ? '' : null);
    mark(element, 'data-object', box.objectId ?? null);
    const [kind, number] = element.firstChild.childNodes;
    say(kind, `${box.objectType} `);
    say(number, box.objectId === undefined ? String(box.boxId) : `(${box.objectId})`);
  }

  #tell(line, box) {
    mark(line, 'data-object', box.objectId ?? null);
    say(line.firstChild, describe(box));
    say(line.lastChild, `${Math.round(100 * box.certainty)} %`);
  }
}

/** What stands under this key, made if it is not there. */
function entry(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}
