// The bell book's drawer: a day's time line and its entries as a table.
//
// It asks for the book at once when it is opened, and again when something has happened meanwhile.
// Which words and which spans, chronicle.js decides; nothing is ever anything but text here.

import { dayName, hours, midnight, readBook, rows, spans } from './chronicle.js';
import { say, svg } from './svg.js';

/** How many entries are asked for: days of an office, minutes of a test. */
const LIMIT = 2_000;

/** The time line's place in its view box. */
const LANE = { left: 10, right: 990, top: 8, bottom: 84 };

/** How wide a letter of its labels is at most, in its units. */
const LETTER = 15;

export class Book {
  #at;
  #fetch;
  #clock;
  #entries = [];
  #day = 0;
  #seen = null;
  #isAsking = false;
  #word = '';
  /** What drawing was last told, whether or not this is open. */
  #state = null;

  /** `clock` has wall() in ms; `fetch` is the browser's, and gives the token if one `hasToken`. */
  constructor(root, { fetch, hasToken, clock }) {
    const ids = ['book', 'book-open', 'book-count', 'book-before', 'book-after', 'book-day',
      'book-line', 'book-word', 'book-csv'];
    this.#at = Object.fromEntries(ids.map((id) => [id, root.querySelector(`#${id}`)]));
    this.#fetch = fetch;
    this.#clock = clock;
    this.#at['book-open'].addEventListener('click', () => this.open());
    this.#at['book-before'].addEventListener('click', () => this.#turn(-1));
    this.#at['book-after'].addEventListener('click', () => this.#turn(1));
    this.#at['book-csv'].addEventListener('click', (event) => {
      // A link brings no token.
      if (!hasToken() || event.currentTarget.protocol === 'blob:') return;
      event.preventDefault();
      this.#save(event.currentTarget);
    });
  }

  get isOpen() {
    return this.#at.book.open;
  }

  open() {
    if (this.isOpen) return;
    this.#day = midnight(this.#clock.wall());
    this.#seen = null;
    this.#at.book.showModal();
    this.render(this.#state);
  }

  /** Called with every drawing; asks for the book anew where something has happened. */
  render(state) {
    this.#state = state;
    if (!this.isOpen) return;
    const key = `${state.link.phase} ${state.seq}`;
    if (key !== this.#seen && !this.#isAsking) this.#ask(key);
    this.#draw();
  }

  async #ask(key) {
    this.#isAsking = true;
    this.#seen = key;
    try {
      const answer = await this.#fetch(`bell-book?limit=${LIMIT}`);
      if (answer.status === 404) this.#word = 'This server keeps no bell book.';
      else if (!answer.ok) this.#word = `The bell book cannot be read (${answer.status}).`;
      else {
        this.#entries = readBook(await answer.json());
        this.#word = '';
      }
      this.#at['book-csv'].hidden = answer.status === 404;
    } catch {
      this.#word = 'The bell book cannot be reached.';
    }
    this.#isAsking = false;
    // What happened while it was asked for is asked for next.
    this.render(this.#state);
  }

  /** Follows this link with the token. */
  async #save(link) {
    const { href } = link;
    try {
      const answer = await this.#fetch(href);
      if (!answer.ok) throw new Error(String(answer.status));
      link.href = URL.createObjectURL(await answer.blob());
      link.click();
      URL.revokeObjectURL(link.href);
    } catch {
      this.#word = 'The bell book cannot be had.';
      this.#draw();
    }
    link.href = href;
  }

  #turn(days) {
    this.#day = midnight(this.#day, days);
    this.#draw();
  }

  #draw() {
    const now = this.#clock.wall();
    const day = this.#day;
    const lines = rows(this.#entries, day);
    say(this.#at['book-day'], dayName(day, now));
    this.#at['book-before'].disabled = !this.#entries.some(({ at }) => at < day);
    this.#at['book-after'].disabled = day >= midnight(now);
    const nothing = this.#isAsking ? 'Reading the bell book …' : 'Nothing happened on this day.';
    say(this.#at['book-word'], this.#word || (lines.length === 0 ? nothing : ''));
    say(this.#at['book-count'], `${lines.length} ${lines.length === 1 ? 'entry' : 'entries'}`);
    this.#line(day, now);
    this.#table(lines);
  }

  #table(lines) {
    const body = this.#at.book.querySelector('tbody');
    while (body.rows.length > lines.length) body.deleteRow(-1);
    while (body.rows.length < lines.length) {
      const row = body.insertRow();
      for (let k = 0; k < 4; k += 1) row.insertCell();
    }
    lines.forEach(({ what, time, text, by, after }, index) => {
      const row = body.rows[index];
      row.dataset.what = what;
      [time, text, by, after].forEach((cell, k) => say(row.cells[k], cell));
    });
  }

  #line(day, now) {
    const length = midnight(day, 1) - day;
    const x = (time) =>
      LANE.left + ((time - day) / length) * (LANE.right - LANE.left);
    const height = LANE.bottom - LANE.top;
    const ticks = hours(day).map(({ hour, at }) => svg('g', { class: 'hour', 'data-hour': hour },
      svg('path', { d: `M${x(at)} ${LANE.bottom}V${LANE.bottom + 9}` }),
      svg('text', { x: Math.min(Math.max(x(at), 24), 970), y: LANE.bottom + 36 }, `${hour}:00`)));
    const blocks = spans(this.#entries, day, now).map((span) => {
      const [from, rang, to] = [x(span.from), x(span.rangUntil), x(span.to)];
      const width = Math.max(1.5, to - from);
      const isWide = width > span.label.length * LETTER + 12;
      return svg('g', {},
        svg('title', {}, span.label),
        svg('rect', { class: 'span', x: from, y: LANE.top, width, height }),
        // The time in which it rang is red, and stands out below: not by its colour alone.
        svg('rect', {
          class: 'rang', x: from, y: LANE.bottom - 22, width: Math.max(0, rang - from), height: 28,
        }),
        ...(isWide ? [svg('text', { class: 'label', x: from + 6, y: LANE.top + 34 }, span.label)]
          : []));
    });
    const present = now >= day && now < midnight(day, 1)
      ? [svg('path', { class: 'present', d: `M${x(now)} 0V${LANE.bottom + 9}` })] : [];
    this.#at['book-line'].replaceChildren(
      svg('rect', {
        class: 'lane', x: LANE.left, y: LANE.top, width: LANE.right - LANE.left, height,
      }),
      ...ticks, ...blocks, ...present);
  }
}
