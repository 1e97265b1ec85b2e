// The strip at the head of whatever covers the board: link, bell, order and reply in a few lines.
//
// It is the same wherever it stands. It only reads the state; which words, words.js decides.

import { isOpen } from './store.js';
import { say } from './svg.js';
import * as words from './words.js';

export class Strip {
  #all;

  /** Fills every `.strip` of the page; its sign is the board's, drawn again. */
  constructor(root) {
    const sign = root.querySelector('#sign');
    this.#all = [...root.querySelectorAll('.strip')].map((strip) => fill(strip, sign));
  }

  /** `now` has the time of day and the monotonic time, as the words want them. */
  render(state, now) {
    const { kind, text } = words.sign(state, now);
    const link = words.alive(state, now.wall) || words.glass(state, now.wall);
    for (const { strip, at } of this.#all) {
      strip.dataset.sign = kind;
      at.link.className = isOpen(state) ? 'alive' : 'link';
      say(at.link, link);
      say(at.sign, text);
      say(at.words, words.brief(state, now.wall));
      say(at.other, words.other(state, now.wall));
    }
  }
}

function fill(strip, original) {
  const sign = original.cloneNode(true);
  sign.removeAttribute('id');
  const label = sign.querySelector('span');
  label.removeAttribute('id');
  const [link, words, other] = ['link', 'strip-words', 'strip-other'].map((name) => {
    const line = document.createElement('p');
    line.className = name;
    return line;
  });
  words.dir = 'auto';
  strip.append(link, sign, words, other);
  return { strip, at: { link, sign: label, words, other } };
}
