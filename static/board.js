// The board beside the dial: everything in words, the Acknowledge and the sound button.
//
// It only reads the state and writes texts; which words, words.js decides. It knows no socket, and
// puts nothing anywhere except as textContent.

import { widthOf } from './lettering.js';
import { isOffDial, isOpen, isRinging } from './store.js';
import { mark, say } from './svg.js';
import * as words from './words.js';

/** Up to how many characters a text counts as a name, a line, a paragraph, a page, or a book. */
const SIZES = [
  [12, 'name'], [40, 'line'], [220, 'paragraph'], [900, 'page'], [Infinity, 'book'],
];

/** How much smaller a text may get than its kind is written, in the order of trying. */
const SCALES = [1, 0.88, 0.77, 0.68, 0.6, 0.52, 0.46, 0.4];

/** The same for pages of text: what is smaller than this, nobody reads. */
const PAGE_SCALES = SCALES.slice(0, 5);

/** How large a text is written that does not fit even so, and goes on out of sight. */
const GOES_ON = 0.77;

/** How far letters may stand out of their line, in their size. */
const STRAY = 0.05;

export class Board {
  #at;
  /** What the message said when it was fitted. */
  #written = null;

  /** `root` has the elements of panel.html; the two buttons are told to. */
  constructor(root, { onAcknowledge, onSound }) {
    const find = (id) => root.querySelector(`#${id}`);
    const ids = [
      'alive', 'link', 'link-more', 'glass', 'lamp-status', 'lamp-accept', 'lamp-book',
      'sign-words', 'order', 'more', 'tale', 'other', 'request', 'acknowledge', 'sound',
      'sound-words', 'calm', 'alarm', 'about',
    ];
    this.#at = Object.fromEntries(ids.map((id) => [id, find(id)]));
    this.#at.acknowledge.addEventListener('click', onAcknowledge);
    this.#at.sound.addEventListener('click', onSound);
    this.#at.order.addEventListener('scroll', () => this.#tellMore());
    // The message's room, not the text's own: that changes with what is being fitted.
    new ResizeObserver(() => this.#fit()).observe(this.#at.order.parentElement);
  }

  /** `wall` is the time of day in ms, `mono` the monotonic time that retries are told in. */
  render(state, { wall, mono }) {
    const at = this.#at;
    const { head, tail } = words.link(state, { wall, mono });
    say(at.alive, head === '' ? words.alive(state, wall) : '');
    say(at.glass, words.glass(state, wall));
    say(at.link, head);
    say(at['link-more'], tail);
    for (const file of Object.keys(state.sources)) this.#lamp(file, state);
    const order = words.order(state);
    say(at['sign-words'], words.sign(state, { mono }).text);
    this.#order(order);
    say(at.tale, words.reply(state, wall));
    say(at.other, words.other(state, wall));
    say(at.request, words.waiting(state) || words.refusal(state) || words.ordering(state));
    mark(at.request, 'data-refused', state.refusal ? '' : null);
    this.#buttons(state, mono);
    say(at.alarm, words.bell(state, wall));
    say(at.calm, words.calm(state, wall));
    say(at.about, words.about(state));
    const lines = [at.order, at.tale, at.other, at.request];
    const written = lines.map(({ textContent }) => textContent).join();
    if (written !== this.#written) {
      this.#written = written;
      this.#fit();
    }
  }

  /** The text as large as its place allows without breaking its longest word. */
  #order(text) {
    const { order } = this.#at;
    if (order.textContent === text && order.dataset.size) return;
    order.textContent = text;
    order.scrollTop = 0;
    order.dataset.size = sizeOf(text);
    const longest = Math.max(...text.split(/[\s-]+/u).map(widthOf));
    order.style.setProperty('--longest', Math.max(2, longest).toFixed(2));
  }

  /** A long text gets smaller until all of it is seen, or the smallest writing is reached. */
  #fit() {
    const { order, more } = this.#at;
    const isPage = order.dataset.size === 'page' || order.dataset.size === 'book';
    more.hidden = true;
    mark(order, 'tabindex', null);
    for (const scale of isPage ? PAGE_SCALES : SCALES) {
      order.style.setProperty('--scale', scale);
      // Letters stand out of their lines a little; that is no text unseen.
      const stray = STRAY * Number.parseFloat(getComputedStyle(order).fontSize);
      if (order.scrollHeight <= order.clientHeight + stray) {
        mark(order, 'data-goes-on', null);
        return;
      }
    }
    if (isPage) order.style.setProperty('--scale', GOES_ON);
    more.hidden = false;
    // Whoever has no wheel scrolls by keys.
    mark(order, 'tabindex', 0);
    this.#tellMore();
  }

  /** How much of the text is below what is seen. */
  #tellMore() {
    const { order, more } = this.#at;
    if (more.hidden) return;
    const line = Number.parseFloat(getComputedStyle(order).lineHeight);
    const unseen = order.scrollHeight - order.clientHeight - order.scrollTop;
    const lines = Math.round(unseen / line);
    mark(order, 'data-goes-on', lines > 0 ? '' : null);
    say(more, lines > 0 ? `▾ goes on: ${lines} more ${lines === 1 ? 'line' : 'lines'}` : '');
  }

  #lamp(file, state) {
    const text = words.source(state, file);
    const lamp = this.#at[`lamp-${file}`];
    say(lamp.lastElementChild, text);
    lamp.hidden = text === '';
  }

  #buttons(state, mono) {
    const { acknowledge, sound } = this.#at;
    const busy = state.pending.some(({ kind, position, coming }) =>
      kind === 'answer' && position === null && coming === null);
    acknowledge.hidden = !(isOffDial(state) && state.bell);
    acknowledge.disabled = !isOpen(state) || busy;
    mark(sound, 'aria-pressed', state.sound);
    mark(sound, 'data-sound', words.soundKind(state));
    sound.classList.toggle('swings', isRinging(state));
    say(this.#at['sound-words'], words.sound(state, { mono }));
  }
}

function sizeOf(text) {
  const lines = text.split('\n').length;
  const length = Math.max([...text].length, (lines - 1) * 30);
  return SIZES.find(([limit]) => length <= limit)[1];
}
