// The names on a dial: along their own arc, or, where sectors are narrow, along the radius.
//
// It decides once for a whole dial, so that all names of one dial run the same way.

import { arcPath, baselines, isFlipped, polar } from './geometry.js';
import { LEADING, engrave } from './lettering.js';
import { svg } from './svg.js';

/** How much of a sector's width its name may take; the fork's prongs stand in the rest. */
const SHARE = 0.84;

/** The widest that a name may get, in degrees: the fork has to reach around it. */
const WIDEST = 31;

/** The largest a name is engraved, in units. */
const LARGEST = 37;

/** Below this size along its arc a name is looked at the other way, in units. */
const SMALL = 16;

/** What the other way has to bring. */
const GAIN = 1.25;

/** The nodes of each name, in the order of the positions. `radii` are those of the face. */
export function inscriptions(positions, plan, radii) {
  const room = roomOf(plan, radii);
  const along = positions.map(({ name }, index) => alongArc(name, plan.angles[index], room));
  const least = (engraved) => Math.min(...engraved.map(({ size }) => size));
  if (least(along) < SMALL) {
    const out = positions.map(({ name }) => alongRadius(name, room));
    if (least(out) > least(along) * GAIN) {
      return out.map((engraved, index) => drawnOut(engraved, plan.angles[index], room));
    }
  }
  return along.map((engraved, index) => drawnAlong(engraved, index, plan, room));
}

/** The position's number, upright. */
export function number(position, middle, radius) {
  const { x, y } = polar(middle, radius);
  return svg('text', { class: 'number', x, y, dy: '0.36em', 'aria-hidden': true },
    String(position));
}

/** Lines of one name are words of one text, for whoever hears or copies it. */
function spaced(line, k, lines) {
  return k < lines.length - 1 ? `${line} ` : line;
}

function roomOf({ step }, { nameInner: inner, nameOuter: outer }) {
  const share = (Math.min(step, WIDEST) * SHARE * Math.PI) / 180;
  return { inner, outer, widthAt: (radius) => radius * share };
}

function alongArc(name, middle, { inner, outer, widthAt }) {
  const band = { inner, outer, leading: LEADING, flipped: isFlipped(middle) };
  return engrave(name, {
    width: (k, count) => widthAt(baselines(count, { ...band, size: 26 })[k]),
    height: outer - inner,
    largest: LARGEST,
  });
}

function drawnAlong({ lines, size }, index, { angles, step }, { inner, outer, widthAt }) {
  const middle = angles[index];
  const flipped = isFlipped(middle);
  const radii = baselines(lines.length, { inner, outer, leading: LEADING, flipped, size });
  // The path is longer than the sector is wide: a font wider than was guessed loses no letter
  // before it is made smaller.
  const half = flipped ? -step : step;
  const paths = radii.map((radius, k) => svg('path', {
    id: `chadburn-name-${index}-${k}`, class: 'baseline',
    d: arcPath(middle - half, middle + half, radius),
  }));
  const texts = lines.map((line, k) => svg('text', {
    class: 'name', 'font-size': size, 'data-room': widthAt(radii[k]), 'aria-hidden': true,
  }, svg('textPath', {
    href: `#chadburn-name-${index}-${k}`, startOffset: '50%',
  }, spaced(line, k, lines))));
  return [...paths, ...texts];
}

function alongRadius(name, { inner, outer, widthAt }) {
  return engrave(name, {
    width: () => outer - inner, height: widthAt(inner), largest: LARGEST,
  });
}

/** Out along the radius on the right, in along it on the left, so that none stands on its head. */
function drawnOut({ lines, size }, middle, { inner, outer }) {
  const turn = middle < 0 ? middle + 90 : middle - 90;
  const { x, y } = polar(middle, (inner + outer) / 2);
  const texts = lines.map((line, k) => svg('text', {
    class: 'name', 'font-size': size, 'data-room': outer - inner, 'aria-hidden': true,
    y: (k - (lines.length - 1) / 2) * size * LEADING + size * 0.36,
  }, spaced(line, k, lines)));
  return [svg('g', { transform: `translate(${x} ${y}) rotate(${turn})` }, ...texts)];
}
