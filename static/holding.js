// Holds an answer that would ring the bell for everybody, and sends it when nobody took it back.
//
// What is held, the store knows, and what drops it; this only keeps the time. It draws nothing.

import { HOLD_MS } from './store.js';

/** A hidden tab's timers may come a minute late; what comes later has slept with its machine, in ms. */
export const LATE_MS = 65_000;

export class Holding {
  #store;
  #release;
  #clock;
  #held = null;
  #timer = null;

  /** `release()` sends what is held; `clock` has now (monotonic ms), setTimeout and clearTimeout. */
  constructor(store, { release, clock }) {
    this.#store = store;
    this.#release = release;
    this.#clock = clock;
    store.addEventListener('change', () => this.#follow());
  }

  #follow() {
    const { held } = this.#store.state;
    if (held === this.#held) return;
    this.#held = held;
    this.#clock.clearTimeout(this.#timer);
    if (held === null) return;
    const due = this.#clock.now() + HOLD_MS;
    this.#timer = this.#clock.setTimeout(() => {
      const isLate = this.#clock.now() - due > LATE_MS;
      if (isLate) this.#store.dispatch({ type: 'dropped', why: 'this machine was asleep' });
      else this.#release();
    }, HOLD_MS);
  }
}
