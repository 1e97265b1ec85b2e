// The board beside the dial: everything in words, the button that answers, the sound button.
//
// It only reads the state and writes texts; which words, words.js decides. It knows no socket, and
// puts nothing anywhere except as textContent.

import { widthOf } from './lettering.js';
import { hasNoDial, isOffDial, isRinging } from './store.js';
import { mark, say } from './svg.js';
import * as words from './words.js';

/** Up to how many characters a text counts as a name, a line, a paragraph, a page, or a book. */
const SIZES = [
  [12, 'name'], [40, 'line'], [220, 'paragraph'], [900, 'page'], [Infinity, 'book'],
];

/** How much smaller than its kind a text is tried; the style sheet has the least size of letters. */
const LEAST = 0.12;

/** The same for pages: what is smaller than this, nobody reads. */
const LEAST_PAGE = 0.6;

/** How often the largest size that fits is halved in on: to a hundredth. */
const HALVINGS = 6;

/** How large a page is written that does not fit even so, and goes on out of sight. */
const GOES_ON = 0.77;

/** How far letters may stand out of their line, in their size. */
const STRAY = 0.05;

export class Board {
  #at;
  /** Whether the order is a text, and no name on the dial. */
  #isText = false;
  /** The answer that is held, as it was drawn. */
  #held = null;
  /** What the message said when it was fitted. */
  #written = null;
  /** It was written and not measured yet. */
  #isFresh = false;

  /** `root` has the elements of panel.html; the buttons are told to. */
  constructor(root, { onAnswer, onUndo, onSound }) {
    const find = (id) => root.querySelector(`#${id}`);
    const ids = [
      'alive', 'link', 'link-more', 'glass', 'lamp-status', 'lamp-accept', 'lamp-book',
      'sign-words', 'order', 'more', 'tale', 'other', 'request', 'answer', 'undo', 'sound',
      'sound-words', 'calm', 'alarm', 'about',
    ];
    this.#at = Object.fromEntries(ids.map((id) => [id, find(id)]));
    this.#at.answer.addEventListener('click', onAnswer);
    this.#at.undo.addEventListener('click', onUndo);
    this.#at.sound.addEventListener('click', onSound);
    this.#at.order.addEventListener('scroll', () => this.#tellMore());
    // Neither the message's room nor the order's place in it depends on how large its letters are.
    const room = new ResizeObserver(() => this.#fit());
    room.observe(this.#at.order.parentElement);
    room.observe(this.#at.order);
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
    this.#isText = isOffDial(state) || hasNoDial(state);
    this.#order(order);
    say(at.tale, words.reply(state, wall));
    say(at.other, words.other(state, wall));
    say(at.request, words.holding(state) || words.waiting(state) || words.refusal(state)
      || words.ordering(state));
    mark(at.request, 'data-refused', state.refusal ? '' : null);
    this.#buttons(state, mono);
    say(at.alarm, words.bell(state, wall));
    say(at.calm, words.calm(state, wall));
    say(at.about, words.about(state));
    const lines = [at.order, at.tale, at.other, at.request];
    const written = lines.map(({ textContent }) => textContent).join();
    this.#isFresh ||= written !== this.#written;
    this.#written = written;
  }

  /** Measures what was written, after all else is, so that the page is laid out once. */
  fit() {
    if (this.#isFresh) this.#fit();
    this.#isFresh = false;
  }

  /** The text as large as its place allows without breaking its longest word. */
  #order(text) {
    const { order, more } = this.#at;
    if (order.textContent === text && order.dataset.size) return;
    order.textContent = text;
    // Even where nothing is scrolled this would lay the page out.
    if (!more.hidden) order.scrollTop = 0;
    order.dataset.size = sizeOf(text);
    const longest = Math.max(...text.split(/[\s-]+/u).map(widthOf));
    order.style.setProperty('--longest', Math.max(2, longest).toFixed(2));
  }

  /** A text is as large as all of it is seen, down to what can be read. */
  #fit() {
    const { order, more } = this.#at;
    const isPage = order.dataset.size === 'page' || order.dataset.size === 'book';
    more.hidden = true;
    mark(order, 'tabindex', null);
    mark(order, 'data-goes-on', null);
    mark(order, 'data-grows', null);
    if (this.#fits(1)) return;
    let [least, most] = [isPage ? LEAST_PAGE : LEAST, 1];
    if (this.#fits(least)) {
      for (let k = 0; k < HALVINGS; k += 1) {
        const middle = (least + most) / 2;
        if (this.#fits(middle)) least = middle;
        else most = middle;
      }
      this.#fits(least);
      return;
    }
    if (!this.#isText) {
      // The name of an order is seen whole, whatever else has to make room.
      mark(order, 'data-grows', '');
      return;
    }
    if (isPage) order.style.setProperty('--scale', GOES_ON);
    more.hidden = false;
    // Whoever has no wheel scrolls by keys.
    mark(order, 'tabindex', 0);
    this.#tellMore();
  }

  /** Whether all of the text is seen at this scale, which it has then. */
  #fits(scale) {
    const { order } = this.#at;
    order.style.setProperty('--scale', scale.toFixed(3));
    // Letters stand out of their lines a little; that is no text unseen.
    const stray = STRAY * Number.parseFloat(getComputedStyle(order).fontSize);
    return order.scrollHeight <= order.clientHeight + stray;
  }

  /** How much of the text is below what is seen. */
  #tellMore() {
    const { order, more } = this.#at;
    if (more.hidden) return;
    const line = Number.parseFloat(getComputedStyle(order).lineHeight);
    const unseen = order.scrollHeight - order.clientHeight - order.scrollTop;
    // A line of which only a part is seen is still to come.
    const lines = Math.ceil(unseen / line - 0.1);
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
    const { answer, undo, sound } = this.#at;
    const isBusy = state.pending.some(({ kind, coming }) => kind === 'answer' && coming !== false);
    answer.hidden = !isRinging(state) || state.held !== null;
    if (!answer.hidden) say(answer, words.answering(state));
    mark(answer, 'aria-disabled', isBusy ? 'true' : null);
    if (state.held !== this.#held) {
      this.#held = state.held;
      undo.hidden = state.held === null;
      // Another element runs down from the beginning.
      undo.lastElementChild.replaceWith(undo.lastElementChild.cloneNode());
    }
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
