// Which sector a typed key means: arrows turn, digits and names jump.
//
// Pure but for the letters typed a moment ago. It knows neither focus nor page.

/** How long a letter or digit waits for the next one, in ms. */
export const TYPING_MS = 900;

export class Finder {
  #typed = '';
  #at = -Infinity;

  /**
   * The index in `positions` to turn to, or null if the key means none. `current` is the index
   * where we are, `now` the time in ms.
   */
  find(key, { positions, current, now }) {
    const last = positions.length - 1;
    switch (key) {
      case 'ArrowLeft':
      case 'ArrowDown':
        return Math.max(0, current - 1);
      case 'ArrowRight':
      case 'ArrowUp':
        return Math.min(last, current + 1);
      case 'Home':
        return 0;
      case 'End':
        return last;
      default:
        if ([...key].length !== 1 || key === ' ') return null;
        return this.#type(key, positions, current, now);
    }
  }

  #type(key, positions, current, now) {
    const fresh = now - this.#at > TYPING_MS;
    this.#at = now;
    this.#typed = (fresh ? '' : this.#typed) + fold(key);
    return named(this.#typed, positions, current) ?? this.#again(key, positions, current);
  }

  /** What was typed leads nowhere: the last key alone may, as `c` `c` for the second one with c. */
  #again(key, positions, current) {
    this.#typed = fold(key);
    return named(this.#typed, positions, current);
  }
}

/** The sector whose number this is, else the next one after `current` whose name begins so. */
function named(typed, positions, current) {
  if (/^[0-9]+$/.test(typed)) {
    const index = positions.findIndex(({ position }) => String(position) === typed);
    return index < 0 ? null : index;
  }
  // While a name is being typed, the sector where we are may stay the one.
  const first = [...typed].length > 1 ? current : current + 1;
  for (let k = 0; k < positions.length; k += 1) {
    const index = (first + k) % positions.length;
    if (fold(positions[index].name).startsWith(typed)) return index;
  }
  return null;
}

function fold(text) {
  return text.toLowerCase();
}
