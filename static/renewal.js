// Wall panels outlive upgrades: when the server carries another panel, take it, once, unseen.
//
// The welcome tells which panel the server carries. A server whose welcome is not understood any
// more, or who does not speak our wire, is asked for its page: that says it too.

/** How long nobody must have been here before what is in use counts as forgotten, in ms. */
const FORGOTTEN_MS = 600_000;

/** How often a server that cannot be talked to is asked for its page, in ms. */
const ASK_MS = 30_000;

/** Where a page says which panel it is, and what stands there if no server filled it in. */
const MARK = /<meta name="chadburn-assets" content="([^"]*)">/;
const UNFILLED = '{{assets}}';

export class Renewal {
  #mine;
  #offered = null;
  #asked = -Infinity;
  #memory;
  #now;
  #fetch;
  #reload;

  /** `mine` is what this page carries; `memory.reloaded` what it was reloaded for already. */
  constructor({ mine, memory, now, fetch, reload }) {
    this.#mine = mine;
    this.#memory = memory;
    this.#now = now;
    this.#fetch = fetch;
    this.#reload = reload;
  }

  /** The server carries this panel. */
  offer(assets) {
    this.#offered = assets;
  }

  /** Nothing that the server says is understood, or it says nothing: look what it carries. */
  async ask() {
    if (this.#now() - this.#asked < ASK_MS) return;
    this.#asked = this.#now();
    try {
      const page = await this.#fetch('./', { cache: 'no-store' });
      const [, assets] = MARK.exec(await page.text()) ?? [];
      if (page.ok && assets) this.offer(assets);
    } catch {
      // It is not there; the link tells so, and will be tried again.
    }
  }

  /** Whether another panel is there to be taken. */
  get isDue() {
    if (this.#mine === UNFILLED || this.#offered === null || this.#offered === UNFILLED) {
      return false;
    }
    return this.#offered !== this.#mine && this.#memory.reloaded !== this.#offered;
  }

  /**
   * Takes it, unless that disturbs: never while it `isBusy`, and while it `isInUse` only once
   * nobody has been here for long.
   */
  consider({ isAlone, aloneFor, isBusy, isInUse }) {
    if (!this.isDue || isBusy || !isAlone) return;
    if (isInUse && aloneFor < FORGOTTEN_MS) return;
    this.#memory.reloaded = this.#offered;
    this.#reload();
  }
}
