// Whether anybody is at this panel: hides the mouse pointer, and says when a reload disturbs
// nobody.
//
// It knows no state of the telegraph. One timer, however much the mouse moves.

/** After this long without a hand the mouse pointer is hidden, in ms. */
const HIDE_MS = 8_000;

/** After this long without a hand nobody is in the middle of something, in ms. */
const ALONE_MS = 30_000;

const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'wheel'];

export class Idle {
  #now;
  #root;
  #last;
  #timer = null;

  /** `root` gets `data-idle` while no hand moves; `now()` gives monotonic ms. */
  constructor(root, now) {
    this.#root = root;
    this.#now = now;
    this.#last = now();
    for (const sign of SIGNS) {
      root.addEventListener(sign, () => this.#touched(), { passive: true, capture: true });
    }
    this.#watch();
  }

  /** Whether nobody has touched this panel for a while. */
  get isAlone() {
    return this.aloneFor >= ALONE_MS;
  }

  /** For how many ms nobody has touched it. */
  get aloneFor() {
    return this.#now() - this.#last;
  }

  #touched() {
    this.#last = this.#now();
    if (this.#timer !== null) return;
    delete this.#root.dataset.idle;
    this.#watch();
  }

  #watch() {
    const left = this.#last + HIDE_MS - this.#now();
    if (left <= 0) {
      this.#timer = null;
      this.#root.dataset.idle = '';
    } else {
      this.#timer = setTimeout(() => this.#watch(), left);
    }
  }
}
