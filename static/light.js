// Day or night: as the system has it, until somebody here decides otherwise.
//
// The palettes are style sheets; this only says which of them counts. It knows no state.

import { mark, say } from './svg.js';

/** When the night's palette counts by itself. */
const DARK = '(prefers-color-scheme: dark)';

/** The sheet's media, as somebody decided or the system has it; paper has the day's light. */
const MEDIA = { day: 'not all', night: 'screen', system: `screen and ${DARK}` };

export class Light {
  #sheet;
  #button;
  #memory;
  #system = matchMedia(DARK);

  /** `sheet` is the link to the night's palette; `memory.light` is `day`, `night` or null. */
  constructor(sheet, button, memory) {
    this.#sheet = sheet;
    this.#button = button;
    this.#memory = memory;
    button.addEventListener('click', () => this.#turn());
    this.#system.addEventListener('change', () => this.show());
    this.show();
  }

  get #isNight() {
    const { light } = this.#memory;
    return light === null ? this.#system.matches : light === 'night';
  }

  /** Shows what is wanted now. */
  show() {
    const { light } = this.#memory;
    mark(this.#sheet, 'media', MEDIA[light ?? 'system']);
    say(this.#button, this.#isNight ? 'Day' : 'Night');
    mark(this.#button, 'aria-label', this.#isNight ? 'Light as by day' : 'Light as by night');
  }

  #turn() {
    const night = !this.#isNight;
    // What the system has anyway is left to it, also when it changes its mind.
    const own = night === this.#system.matches ? null : night ? 'night' : 'day';
    this.#memory.light = own;
    this.show();
  }
}
