// Where things are on a dial: angles, arcs and outlines, as numbers and SVG path data.
//
// Pure. Angles are in degrees, 0 at the top, clockwise positive, within ±180; lengths are in the
// units of the drawing, whose centre is 0,0. What stands in a sector is not known here.

/** The angle between neighbours on the telegraph in the first office. */
export const STEP = 20.84;

/** The first office's span from the first sector's middle to the last's: ten steps. */
export const SPAN = 10 * STEP;

/** The count of sectors on that telegraph; dials with more need a wider span. */
const OFFICE_COUNT = 11;

/** The widest step: beyond, few sectors look like slices of a cake. */
const MAX_STEP = 40;

/** What every sector beyond eleven adds to the span; with 24, the plate still has its place. */
const WIDENING = 5.2;

/** How far a parked pointer keeps off the last sector, in degrees: half a sector, or this. */
const PARKING = 9;

/** What has to be free beyond a parked pointer, in degrees, for half the maker's plate. */
const BELOW = 20;

/** The layout of a dial with `count` sectors, 3 to 24: `{ step, angles, park }`. */
export function layout(count) {
  const span = count <= OFFICE_COUNT ? SPAN : SPAN + (count - OFFICE_COUNT) * WIDENING;
  const step = Math.min(span / (count - 1), MAX_STEP);
  const angles = Array.from({ length: count }, (_, index) => (index - (count - 1) / 2) * step);
  return {
    step,
    /** The middle of each sector. */
    angles: angles.map(tidy),
    /** Where a pointer with nothing to point at rests: well beyond the last sector, either side. */
    park: tidy(angles.at(-1) + step
      + Math.max(0, Math.min(step / 2, PARKING, 180 - BELOW - angles.at(-1) - 1.5 * step))),
  };
}

/** The point at this angle and distance from the centre. */
export function polar(angle, radius) {
  const radians = (angle * Math.PI) / 180;
  return { x: tidy(radius * Math.sin(radians)), y: tidy(-radius * Math.cos(radians)) };
}

/** The outline of a sector between two angles and two radii. */
export function sectorPath(from, to, inner, outer) {
  const large = to - from > 180 ? 1 : 0;
  return [
    `M${at(from, outer)}`,
    `A${outer} ${outer} 0 ${large} 1 ${at(to, outer)}`,
    `L${at(to, inner)}`,
    `A${inner} ${inner} 0 ${large} 0 ${at(from, inner)}`,
    'Z',
  ].join('');
}

/** A line along a circle, clockwise from `from` to `to`; counter-clockwise if `to` is smaller. */
export function arcPath(from, to, radius) {
  const large = Math.abs(to - from) > 180 ? 1 : 0;
  const sweep = to > from ? 1 : 0;
  return `M${at(from, radius)}A${radius} ${radius} 0 ${large} ${sweep} ${at(to, radius)}`;
}

/** Whether writing along the circle must run backwards here, so as not to stand on its head. */
export function isFlipped(angle) {
  return Math.abs(angle) > 90;
}

/**
 * Where `count` lines of writing lie in a band: the radius of each baseline, first line first.
 * Upright writing has its first line outermost, flipped writing innermost.
 */
export function baselines(count, { inner, outer, size, leading, flipped }) {
  const middle = (inner + outer) / 2;
  // A capital is about 0.72 of the size high; half of that brings the line's middle to the radius.
  const drop = 0.36 * size;
  return Array.from({ length: count }, (_, index) => {
    const off = ((count - 1) / 2 - index) * size * leading;
    return tidy(flipped ? middle - off + drop : middle + off - drop);
  });
}

/** The runs of neighbouring positions that share an arc: `[{ name, first, last }]`, by index. */
export function arcsOf(positions) {
  const runs = [];
  positions.forEach(({ arc }, index) => {
    if (arc === null) return;
    const run = runs.at(-1);
    if (run && run.name === arc && run.last === index - 1) run.last = index;
    else runs.push({ name: arc, first: index, last: index });
  });
  return runs;
}

/** Half the width that is free for the plate at height `y` below the centre. */
export function plateHalfWidth({ step, park }, y, radius) {
  // The parked pointers need half a step beyond their angle; two degrees are air.
  const free = 180 - (park + step / 2) - 2;
  const beside = y * Math.tan((Math.min(free, 80) * Math.PI) / 180);
  return tidy(Math.min(beside, Math.sqrt(Math.max(0, radius * radius - y * y))));
}

function at(angle, radius) {
  const { x, y } = polar(angle, radius);
  return `${x} ${y}`;
}

/** Cuts off what binary fractions leave behind: a thousandth of a unit is never seen. */
function tidy(value) {
  return Math.round(value * 1000) / 1000 + 0;
}
