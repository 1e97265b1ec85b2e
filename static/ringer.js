// What goes on whether or not anybody looks: bell, tick, title, icon and notice follow the state.
//
// It hears every change at once, draws nothing, and needs no timer of its own but the one that ends
// a silence; the sound itself comes back by the audio clock, also where timers are slowed down.

import { showIcon } from './icon.js';
import { isRinging, isSilenced } from './store.js';
import * as words from './words.js';

/** How long a panel may silence its own bell, in ms (IMO MSC.252(83), 20.3: 30 s). */
export const SILENCE_MS = 30_000;

export class Ringer {
  #store;
  #bell;
  #notice;
  #icon;
  #clock;
  #silence = null;
  #timer = null;
  /** The number of the order that the notice tells of, null while there is none. */
  #told = null;
  #reply = null;

  /** `clock` has mono(), wall(), setTimeout and clearTimeout; `icon` is the page's link. */
  constructor(store, { bell, notice, icon, clock }) {
    this.#store = store;
    this.#bell = bell;
    this.#notice = notice;
    this.#icon = icon;
    this.#clock = clock;
    store.addEventListener('change', () => this.#follow());
  }

  /** The bell button: armed, silent for a while, off, in turn. */
  press() {
    const { state } = this.#store;
    if (!this.#bell.on) this.#bell.arm();
    else if (isRinging(state) && !isSilenced(state)) this.silence();
    else this.#disarm();
  }

  /** Sound on or off. */
  toggle() {
    if (this.#bell.on) this.#disarm();
    else this.#bell.arm();
  }

  /** Silent for a while, or not any more. */
  silence() {
    const { state } = this.#store;
    if (!this.#bell.on) return;
    const until = isSilenced(state) ? null : this.#clock.mono() + SILENCE_MS;
    this.#store.dispatch({ type: 'silenced', until });
  }

  /** Off is off: when it is armed again, it is heard at once. */
  #disarm() {
    this.#store.dispatch({ type: 'silenced', until: null });
    this.#bell.disarm();
  }

  #follow() {
    const { state } = this.#store;
    const rings = isRinging(state);
    this.#bell.ring(rings);
    this.#keepSilence(state.silence);
    const title = words.title(state);
    if (document.title !== title) document.title = title;
    showIcon(this.#icon, rings);
    this.#notify(rings, state);
    this.#tick(state);
  }

  #keepSilence(silence) {
    if (silence === this.#silence) return;
    this.#silence = silence;
    this.#clock.clearTimeout(this.#timer);
    const left = silence === null ? 0 : silence.until - this.#clock.mono();
    this.#bell.silence(left / 1000);
    if (silence === null) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#store.dispatch({ type: 'silenced', until: null });
    }, left);
  }

  /** Once for each order that rings while nobody sees the panel. */
  #notify(rings, state) {
    if (!rings) {
      if (this.#told !== null) this.#notice.hide();
      this.#told = null;
    } else if (document.hidden && this.#told !== state.order.seq) {
      this.#told = state.order.seq;
      const body = words.reply(state, this.#clock.wall());
      this.#notice.show(words.order(state), body, () => globalThis.focus());
    }
  }

  /** A reply that comes while we are here; the past that is told on a new link makes no sound. */
  #tick({ reply, replaying, seq }) {
    const now = seq === null || replaying ? null : reply?.seq ?? 0;
    if (now === this.#reply) return;
    if (this.#reply !== null && now !== null && now > this.#reply) this.#bell.tick();
    this.#reply = now;
  }
}
