// The board beside the dial: everything in words, the Acknowledge and the sound button.
//
// It only reads the state and writes texts; which words, words.js decides. It knows no socket, and
// puts nothing anywhere except as textContent.

import { isOpen, isRinging, sectorOf } from './store.js';
import { mark, say } from './svg.js';
import * as words from './words.js';

/** Up to how many characters a text counts as a name, a line, a paragraph, a page, or a book. */
const SIZES = [
  [12, 'name'], [40, 'line'], [220, 'paragraph'], [900, 'page'], [Infinity, 'book'],
];

export class Board {
  #at;

  /** `root` has the elements of panel.html; the two buttons are told to. */
  constructor(root, { onAcknowledge, onSound }) {
    const find = (id) => root.querySelector(`#${id}`);
    const ids = [
      'link', 'link-more', 'lamp-status', 'lamp-accept', 'order', 'tale', 'other', 'request',
      'acknowledge', 'sound', 'sound-words', 'calm', 'alarm', 'about',
    ];
    this.#at = Object.fromEntries(ids.map((id) => [id, find(id)]));
    this.#at.acknowledge.addEventListener('click', onAcknowledge);
    this.#at.sound.addEventListener('click', onSound);
  }

  /** `wall` is the time of day in ms, `mono` the monotonic time that retries are told in. */
  render(state, { wall, mono }) {
    const at = this.#at;
    const { head, tail } = words.link(state, { wall, mono });
    say(at.link, head);
    say(at['link-more'], tail);
    this.#lamp('status', state);
    this.#lamp('accept', state);
    const order = words.order(state);
    say(at.order, order);
    mark(at.order, 'data-size', sizeOf(order));
    say(at.tale, words.reply(state, wall));
    say(at.other, words.other(state, wall));
    say(at.request, words.waiting(state) || words.refusal(state) || words.ordering(state));
    mark(at.request, 'data-refused', state.refusal ? '' : null);
    this.#buttons(state);
    say(at.alarm, words.bell(state, wall));
    say(at.calm, words.calm(state, wall));
    say(at.about, words.about(state));
  }

  #lamp(file, state) {
    const text = words.source(state, file);
    const lamp = this.#at[`lamp-${file}`];
    say(lamp.lastElementChild, text);
    lamp.hidden = text === '';
  }

  #buttons(state) {
    const { acknowledge, sound } = this.#at;
    const offDial = state.order !== null && sectorOf(state.dial, state.order) === null;
    const busy = state.pending.some(({ kind, position, coming }) =>
      kind === 'answer' && position === null && coming === null);
    acknowledge.hidden = !(offDial && state.bell);
    acknowledge.disabled = !isOpen(state) || busy;
    mark(sound, 'aria-pressed', state.sound);
    sound.classList.toggle('swings', isRinging(state));
    say(this.#at['sound-words'], words.sound(state));
  }
}

function sizeOf(text) {
  const lines = text.split('\n').length;
  const length = Math.max([...text].length, (lines - 1) * 30);
  return SIZES.find(([limit]) => length <= limit)[1];
}
