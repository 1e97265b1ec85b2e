// The drawing of a dial: enamel, sectors with their names, arcs, plate, bell and both pointers.
//
// It draws once for each dial and knows nothing of orders and replies; the dial moves and marks
// what is handed back here. Colours are the style sheet's.

import { body, gradients, plate, shipsBell } from './fittings.js';
import { arcPath, arcsOf, baselines, isFlipped, layout, polar, sectorPath } from './geometry.js';
import { engrave } from './lettering.js';
import { inscriptions, number } from './names.js';
import { orderPointer, replyFork } from './pointers.js';
import { say, svg } from './svg.js';
import { isRightToLeft } from './words.js';

/** Radii in units of the drawing, whose view box reaches 500 from the centre. */
export const R = {
  bezel: 462, enamel: 416, nameOuter: 405, nameInner: 300, number: 279, wedge: 262,
  arcOuter: 212, arcInner: 180, hit: 120, hub: 44, parking: 350,
};

/**
 * Draws into `root`, whose content it replaces:
 * `{ sectors, numbers, order, reply, layout, fit, park }`; `park(left, right)` labels the places
 * where pointers rest that have nothing to point at, and `fit()` measures what is written.
 */
export function drawFace(root, dial) {
  const plan = layout(dial?.positions.length ?? 11);
  const names = dial ? inscriptions(dial.positions, plan, R) : [];
  const sectors = dial?.positions.map((position, index) =>
    sector(position, index, plan, names[index])) ?? [];
  // Beside the sectors, not in them: a button's name is what is written on it.
  const numbers = dial?.positions.map(({ position }, index) =>
    number(position, plan.angles[index], R.number)) ?? [];
  const order = orderPointer(plan.step);
  const reply = replyFork(plan.step);
  const [left, right] = [-1, 1].map((side) => parking(side * plan.park));
  root.replaceChildren(
    gradients(),
    body(R),
    svg('g', { class: 'sectors' }, ...sectors),
    svg('g', { class: 'numbers' }, ...numbers),
    svg('circle', { class: 'inner-ring', r: R.wedge }),
    svg('circle', { class: 'inner-ring thin', r: R.wedge - 7 }),
    svg('g', { class: 'arcs' }, ...(dial ? arcs(dial.positions, plan) : [])),
    ...(dial?.title ? [plate(dial.title, plan)] : []),
    shipsBell(plan),
    left.place,
    right.place,
    reply,
    order,
    svg('circle', { class: 'hub', r: R.hub }),
    svg('circle', { class: 'hub-ring', r: R.hub * 0.72 }),
    svg('circle', { class: 'hub-cap', r: R.hub * 0.34 }),
  );
  return {
    sectors, numbers, order, reply, layout: plan,
    fit() {
      shrinkToFit([...root.querySelectorAll('.sector, .arcs, .plate')]);
    },
    park(...texts) {
      [left, right].forEach((place, k) => place.say(texts[k]));
    },
  };
}

/** A place for a pointer beside the sectors: two upright words, seen while it is used. */
function parking(angle) {
  const { x, y } = polar(angle, R.parking);
  const lines = [-3, 17].map((dy) => svg('text', { x, y: y + dy }));
  const place = svg('g', { class: 'parking', 'aria-hidden': true }, ...lines);
  return {
    place,
    say: (text) => lines.forEach((line, k) => say(line, text.split(' ')[k] ?? '')),
  };
}

function sector({ position, name }, index, { step, angles }, inscription) {
  const middle = angles[index];
  const [from, to] = [middle - step / 2, middle + step / 2];
  return svg('g', {
    class: 'sector', role: 'button', tabindex: -1, 'aria-label': `Answer ${name}`,
    'data-index': index, 'data-position': position,
  },
  svg('path', { class: 'hit', d: sectorPath(from, to, R.hit, R.enamel) }),
  svg('path', { class: 'wedge', d: sectorPath(from, to, R.wedge, R.enamel) }),
  svg('path', { class: 'flare', d: sectorPath(from, to, R.wedge, R.enamel) }),
  svg('path', { class: 'wait', d: arcPath(from + 1.4, to - 1.4, R.nameOuter + 3) }),
  ...inscription,
  svg('path', {
    class: 'focus', d: sectorPath(from + 0.9, to - 0.9, R.wedge + 6, R.enamel - 6),
  }));
}

/** Makes writing smaller when the font is wider than was guessed; the lines of a group stay of one size. */
function shrinkToFit(groups) {
  // All is measured before anything is changed, and laid out once.
  const measured = groups.map((group) => [...group.querySelectorAll('[data-room]')]).map((texts) => ({
    texts,
    excess: Math.max(...texts.map((text) => text.getComputedTextLength() / Number(text.dataset.room))),
  }));
  for (const { texts, excess } of measured) {
    if (!(excess > 1)) continue;
    for (const text of texts) {
      text.setAttribute('font-size', Number(text.getAttribute('font-size')) / excess);
    }
  }
}

function arcs(positions, { step, angles }) {
  const middleRadius = (R.arcInner + R.arcOuter) / 2;
  return arcsOf(positions).flatMap(({ name, first, last }, index) => {
    const [from, to] = [angles[first] - step / 2 + 1, angles[last] + step / 2 - 1];
    const flipped = isFlipped((from + to) / 2);
    const room = ((to - from) * Math.PI / 180) * R.arcInner * 0.9;
    const { lines, size } = engrave(name.replaceAll(' ', '\u00a0'), {
      width: () => room, height: R.arcOuter - R.arcInner, largest: 24,
    });
    const radius = baselines(1, {
      inner: middleRadius, outer: middleRadius, size, leading: 1, flipped,
    })[0];
    const id = `chadburn-arc-${index}`;
    return [
      svg('path', { class: 'arc-band', d: sectorPath(from, to, R.arcInner, R.arcOuter) }),
      svg('path', {
        id, class: 'baseline', d: arcPath(flipped ? to : from, flipped ? from : to, radius),
      }),
      // Spaced letters would tear apart what is written joined, as Arabic is.
      svg('text', {
        class: isRightToLeft(name) ? 'arc-name joined' : 'arc-name',
        'font-size': size, 'data-room': room,
      }, svg('textPath', { href: `#${id}`, startOffset: '50%' }, lines.join(' '))),
    ];
  });
}
