// The cameras: each a picture of enamel with its boxes, which are buttons. A box stays the same button while it is
// followed, so that a finger or the focus on it stays there too.
//
// It knows no socket; whoever chooses a box is told to `onChoose`.

import { mark, say } from './svg.js';
import { describe, inOrder, silence } from './relay-store.js';

/** A name does not fit above what is higher, nor beside what is farther to the right; in parts of the picture. */
const HIGH = 0.08;
const FAR = 0.65;

const NEXT = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export class Cameras {
  #place;
  #onChoose;
  #cards = new Map();

  /** `onChoose(camera, box)` is called for a box that is not tracked, with `camera` as it is shown. */
  constructor(place, onChoose) {
    this.#place = place;
    this.#onChoose = onChoose;
  }

  /** Shows these cameras, as of this time. */
  show(cameras, now) {
    const ids = new Set(cameras.map(({ id }) => id));
    for (const [id, card] of this.#cards) {
      if (ids.has(id)) continue;
      card.remove();
      this.#cards.delete(id);
    }
    const columns = Math.max(1, Math.ceil(Math.sqrt(cameras.length)));
    this.#place.style.setProperty('--columns', columns);
    this.#place.style.setProperty('--rows', Math.max(1, Math.ceil(cameras.length / columns)));
    cameras.forEach((camera, index) => {
      let card = this.#cards.get(camera.id);
      if (card === undefined) {
        card = new Card(camera.id, this.#onChoose);
        this.#cards.set(camera.id, card);
      }
      card.stand(this.#place, index);
      card.show(camera, now);
    });
  }
}

class Card {
  #element = document.createElement('article');
  #age = document.createElement('p');
  #view = document.createElement('div');
  #boxes = new Map();
  #camera = null;
  #onChoose;

  constructor(id, onChoose) {
    this.#onChoose = onChoose;
    const name = document.createElement('h2');
    name.textContent = id;
    const head = document.createElement('div');
    head.className = 'head';
    head.append(name, this.#age);
    this.#view.className = 'view';
    this.#view.setAttribute('role', 'group');
    this.#view.setAttribute('aria-label', `What ${id} sees`);
    this.#view.addEventListener('keydown', (event) => this.#onKey(event));
    this.#element.append(head, this.#view);
    this.#element.dataset.camera = id;
  }

  remove() {
    this.#element.remove();
  }

  /** Stands at this place among the cards, and does not move without need: moving takes the focus away. */
  stand(place, index) {
    if (place.children[index] !== this.#element) place.insertBefore(this.#element, place.children[index] ?? null);
  }

  show(camera, now) {
    this.#camera = camera;
    const silent = silence(camera, now);
    mark(this.#element, 'data-silent', silent === 0 ? null : '');
    const count = `${camera.boxes.length} ${camera.boxes.length === 1 ? 'box' : 'boxes'}`;
    say(this.#age, silent === 0 ? count : silent === null ? 'no frame yet' : `no frame for ${silent} s`);
    const kept = new Set();
    const shown = inOrder(camera.boxes);
    shown.forEach((box, index) => {
      const key = `${typeof box.boxId} ${box.boxId}`;
      kept.add(key);
      this.#button(key).show(box, index);
    });
    for (const [key, button] of this.#boxes) {
      if (kept.has(key)) continue;
      this.#boxes.delete(key);
      button.remove(this.#view);
    }
    this.#oneStop();
  }

  #button(key) {
    let button = this.#boxes.get(key);
    if (button === undefined) {
      button = new BoxButton(this.#view, (box) => this.#onChoose(this.#camera, box));
      this.#boxes.set(key, button);
    }
    return button;
  }

  /** One box of a camera can be reached by Tab, and the others from there by arrows. */
  #oneStop() {
    const all = this.#inOrder();
    const stop = all.find((it) => it === document.activeElement)
      ?? all.find((it) => it.tabIndex === 0) ?? all[0];
    for (const it of all) it.tabIndex = it === stop ? 0 : -1;
  }

  #inOrder() {
    return [...this.#view.querySelectorAll('.box')].sort((a, b) => a.dataset.order - b.dataset.order);
  }

  #onKey(event) {
    const step = NEXT[event.key];
    const all = this.#inOrder();
    const at = all.indexOf(document.activeElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    for (const it of all) it.tabIndex = it === next ? 0 : -1;
    next.focus();
  }
}

class BoxButton {
  #element = document.createElement('button');
  #name = document.createElement('span');
  #box = null;

  constructor(view, onChoose) {
    this.#element.type = 'button';
    this.#element.className = 'box';
    this.#element.append(this.#name);
    this.#element.addEventListener('click', () => onChoose(this.#box));
    view.append(this.#element);
  }

  show(box, order) {
    this.#box = box;
    const [left, top, right, bottom] = box.rect;
    const { style, dataset } = this.#element;
    style.left = `${100 * left}%`;
    style.top = `${100 * top}%`;
    style.width = `${100 * (right - left)}%`;
    style.height = `${100 * (bottom - top)}%`;
    // A small box before a large one can be hit.
    style.zIndex = 1 + Math.round(1_000 * (1 - (right - left) * (bottom - top)));
    dataset.order = order;
    mark(this.#element, 'data-high', top < HIGH ? '' : null);
    mark(this.#element, 'data-far', left > FAR ? '' : null);
    const tracked = box.objectId ?? null;
    mark(this.#element, 'data-object', tracked);
    say(this.#name, describe(box));
    mark(this.#element, 'aria-label', tracked === null ? `Track ${describe(box)}` : `${describe(box)}, tracked`);
  }

  /** Goes. The focus stays at its camera. */
  remove(view) {
    const had = document.activeElement === this.#element;
    this.#element.remove();
    if (had) view.querySelector('.box')?.focus();
  }
}
