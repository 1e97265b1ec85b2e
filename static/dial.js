// The dial: shows order and reply on the face, and turns a click or a key into a choice.
//
// It only reads the state; whether a choice is an answer or an order is decided elsewhere.
// Pointers are turned by setting an angle; how they swing is the style sheet's.

import { drawFace } from './face.js';
import { Finder } from './keys.js';
import { hasNoDial, isMatch, isOpen, isRinging, sectorOf } from './store.js';
import { mark } from './svg.js';
import { saying } from './words.js';

export class Dial {
  #root;
  #onChoice;
  #onBell;
  #now;
  #finder = new Finder();
  #drawn;
  #face;
  /** It was drawn and not measured yet. */
  #isFresh = false;
  /** The index of the sector that Tab leads to. */
  #current = 0;

  /**
   * `root` is the svg element; told are `onChoice(position)` and, of a touch on the bell,
   * `onBell()`; `now()` gives monotonic ms.
   */
  constructor(root, { onChoice, onBell, now }) {
    this.#root = root;
    this.#onChoice = onChoice;
    this.#onBell = onBell;
    this.#now = now;
    root.addEventListener('click', (event) => this.#choose(event.target));
    root.addEventListener('keydown', (event) => this.#key(event));
    // Not on the svg itself: Chromium then takes it for something to be focused.
    root.parentElement.addEventListener('focusin', ({ target }) => this.#moveTo(indexOf(target)));
  }

  render(state) {
    if (hasNoDial(state)) return this.#clear(state.dial);
    if (this.#drawn !== state.dial || !this.#face) this.#draw(state.dial);
    const { dial, order, reply } = state;
    const ordered = sectorOf(dial, order);
    const answered = sectorOf(dial, reply);
    const awaited = new Set(
      state.pending.filter(({ kind }) => kind !== 'console').map(({ position }) => position),
    );
    if (state.held) awaited.add(state.held.position);
    dial?.positions.forEach((sector, index) => {
      const group = this.#face.sectors[index];
      group.classList.toggle('ordered', sector === ordered);
      this.#face.numbers[index].classList.toggle('ordered', sector === ordered);
      group.classList.toggle('answered', sector === answered && isMatch(state) && !state.bell);
      group.classList.toggle('waiting', awaited.has(sector.position));
      mark(group, 'aria-current', sector === ordered ? 'true' : null);
      mark(group, 'aria-pressed', sector === answered);
      mark(group, 'aria-busy', awaited.has(sector.position) ? 'true' : null);
      mark(group, 'aria-disabled', isOpen(state) && (order || state.ordering) ? null : 'true');
      mark(group, 'aria-label', `${state.ordering ? 'Order' : 'Answer'} ${sector.name}`);
    });
    this.#turn(state, ordered, answered);
    mark(this.#root, 'aria-label', label(state));
    if (!this.hasFocus && ordered) this.#moveTo(ordered.position - 1);
  }

  /** Measures what was drawn. All else is written before, so that the page is laid out once. */
  fit() {
    if (this.#isFresh) this.#face?.fit();
    this.#isFresh = false;
  }

  #draw(dial) {
    const refocus = this.hasFocus;
    this.#face = drawFace(this.#root, dial);
    this.#isFresh = true;
    this.#drawn = dial;
    this.#moveTo(Math.min(this.#current, (dial?.positions.length ?? 1) - 1));
    if (refocus) this.#face.sectors[this.#current]?.focus();
  }

  #clear(dial) {
    if (this.#face) this.#root.replaceChildren();
    this.#face = null;
    this.#drawn = dial;
  }

  /** Off the dial, the order rests to the left; the reply beside it if it says the same. */
  #turn(state, ordered, answered) {
    const { angles, park } = this.#face.layout;
    point(this.#face.order, ordered ? angles[ordered.position - 1] : -park);
    const aside = state.order && isMatch(state) ? -park : park;
    point(this.#face.reply, answered ? angles[answered.position - 1] : aside);
    this.#face.order.classList.toggle('parked', !ordered);
    this.#face.reply.classList.toggle('parked', !answered);
    this.#face.reply.classList.toggle('agrees', isMatch(state) && !state.bell);
    // What has no place on the dial has one beside it, and that says why.
    const isAside = aside === park && !answered;
    this.#face.park(ordered || state.seq === null ? '' : state.order ? 'other text' : 'no order',
      !isAside || state.seq === null ? '' : state.reply ? 'other text' : 'no reply');
  }

  /** Marks the sector that is asked about; null marks none. */
  ask(position) {
    this.#face?.sectors.forEach((group) => {
      group.classList.toggle('asked', Number(group.dataset.position) === position);
    });
  }

  #choose(target) {
    const index = indexOf(target);
    if (index !== null) this.#onChoice(this.#drawn.positions[index].position);
    else if (target.closest?.('.ships-bell')) this.#onBell();
  }

  /** Turns to what a key means, wherever it was typed; whether it meant anything here. */
  jump(key) {
    if (!this.#drawn || !this.#face) return false;
    const { positions } = this.#drawn;
    const index = this.#finder.find(key, {
      positions, current: this.#current, now: this.#now(),
    });
    if (index !== null) this.#face.sectors[index].focus();
    return index !== null;
  }

  /** Whether it has the keyboard. */
  get hasFocus() {
    return this.#root.contains(document.activeElement);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#drawn) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      if (!event.repeat) this.#choose(event.target);
      return;
    }
    if (event.key === 'Escape') {
      // It means more than that to the page: what is held is taken back.
      document.activeElement.blur();
      return;
    }
    if (event.shiftKey || !this.jump(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #moveTo(index) {
    if (index === null) return;
    this.#current = index;
    this.#face.sectors.forEach((group, at) => mark(group, 'tabindex', at === index ? 0 : -1));
  }
}

function point(pointer, angle) {
  pointer.style.transform = `rotate(${angle}deg)`;
  // What is engraved on it stays upright.
  pointer.style.setProperty('--upright', `rotate(${-angle}deg)`);
}

/** The index of the sector that an element belongs to; null if to none. */
function indexOf(element) {
  const group = element.closest?.('.sector');
  return group ? Number(group.dataset.index) : null;
}

function label(state) {
  const { dial, order } = state;
  const title = dial?.title || 'Dial';
  if (!order) return title;
  return `${title}: ${saying(dial, order)} ordered${isRinging(state) ? ', not answered' : ''}`;
}
