// What comes over the link, put together: a reading in JSON, and behind each that names a frame its picture.
//
// It knows no socket and no page.

/** The frames a second over the last ones, by when they came in ms; 0 while that is not known. */
export function rate(times) {
  if (times.length < 2) return 0;
  const span = times.at(-1) - times[0];
  return span > 0 ? (times.length - 1) * 1_000 / span : 0;
}

export class Feed {
  #onReading;
  #onFrame;
  #pending = null;

  /** `onReading(reading)` is told of each reading; `onFrame(reading, blob)` of a picture with its own. */
  constructor({ onReading, onFrame }) {
    this.#onReading = onReading;
    this.#onFrame = onFrame;
  }

  /** Another connection begins: what was half told on the last one is not continued. */
  reset() {
    this.#pending = null;
  }

  /** A text came. What is no reading is ignored. */
  text(text) {
    let reading;
    try {
      reading = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof reading?.health !== 'string') return;
    if (typeof reading.frameId === 'number' && Array.isArray(reading.boxes)) this.#pending = reading;
    this.#onReading(reading);
  }

  /** A picture came. */
  binary(bytes) {
    const reading = this.#pending;
    this.#pending = null;
    if (reading !== null) this.#onFrame(reading, new Blob([bytes], { type: reading.mediaType }));
  }
}

/** What a box is called. */
export function describe({ boxId, objectType, objectId }) {
  return objectId === undefined ? `${objectType} ${boxId}` : `${objectType} (${objectId})`;
}
