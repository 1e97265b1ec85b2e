// The swing of the drawn bell and the light of its strokes: it says which step of a turn it is, and
// the style sheet how each looks.
//
// A bell may ring for hours on a wall without a graphics card. An animation of the style sheet makes
// the browser's compositor look at it for each frame, also between two steps; a timer costs nothing
// between them.

import { TURN_S } from './bell.js';

/** When each step begins, in ms of the bell's turn: two strokes (bell.js), then it rests. */
export const STEPS_MS = [0, 250, 500, 750, 1_000, 1_250, 1_500];

export class Swing {
  #root;
  #clock;
  #timer = null;

  /** `root` gets `data-step`, a number of STEPS_MS, while it swings; `clock` has the timers. */
  constructor(root, clock) {
    this.#root = root;
    this.#clock = clock;
  }

  /** Whether it is to swing. */
  run(wanted) {
    if (wanted === (this.#timer !== null)) return;
    if (wanted) this.#step(0);
    else {
      this.#clock.clearTimeout(this.#timer);
      this.#timer = null;
      delete this.#root.dataset.step;
    }
  }

  #step(step) {
    this.#root.dataset.step = step;
    const next = STEPS_MS[step + 1] ?? TURN_S * 1_000;
    const after = (step + 1) % STEPS_MS.length;
    this.#timer = this.#clock.setTimeout(() => this.#step(after), next - STEPS_MS[step]);
  }
}
