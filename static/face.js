// The drawing of a dial: bezel, enamel, sectors with their names, arcs, plate and both pointers.
//
// It draws once for each dial and knows nothing of orders and replies; the dial moves and marks
// what is handed back here. Colours are the style sheet's.

import {
  arcPath, arcsOf, baselines, isFlipped, layout, plateHalfWidth, polar, sectorPath,
} from './geometry.js';
import { LEADING, engrave } from './lettering.js';
import { svg } from './svg.js';

/** Radii in units of the drawing, whose view box reaches 500 from the centre. */
const R = {
  bezel: 450, enamel: 412, nameOuter: 405, nameInner: 286, number: 266, wedge: 250,
  arcOuter: 236, arcInner: 202, hit: 120, hub: 46,
};

/** The plate's upper and lower edge below the centre, and the circle it must stay within. */
const PLATE = { top: 300, bottom: 378, within: 402, widest: 175 };

/** How much of a sector's width its name may take; the fork's prongs stand in the rest. */
const NAME_SHARE = 0.86;

/** Draws into `root`, whose content it replaces: `{ sectors, order, reply, layout }`. */
export function drawFace(root, dial) {
  const plan = layout(dial?.positions.length ?? 11);
  const sectors = dial?.positions.map((position, index) => sector(position, index, plan)) ?? [];
  const order = orderPointer();
  const reply = replyFork(plan.step);
  root.replaceChildren(
    gradients(),
    body(),
    svg('g', { class: 'sectors' }, ...sectors),
    svg('g', { class: 'arcs' }, ...(dial ? arcs(dial.positions, plan) : [])),
    ...(dial?.title ? [plate(dial.title, plan)] : []),
    reply,
    order,
    svg('circle', { class: 'hub', r: R.hub }),
    svg('circle', { class: 'hub-cap', r: R.hub * 0.42 }),
  );
  for (const group of root.querySelectorAll('.sector, .arcs, .plate')) shrinkToFit(group);
  return { sectors, order, reply, layout: plan };
}

function gradients() {
  const stop = (offset, tone) => svg('stop', { offset, class: tone });
  const down = { x1: 0, y1: 0, x2: 0, y2: 1 };
  return svg('defs', {},
    svg('radialGradient', { id: 'chadburn-enamel', cx: 0.5, cy: 0.42, r: 0.62 },
      stop(0, 'enamel-1'), stop(0.75, 'enamel-2'), stop(1, 'enamel-3')),
    svg('linearGradient', { id: 'chadburn-brass', ...down },
      stop(0, 'brass-1'), stop(0.45, 'brass-2'), stop(1, 'brass-3')),
    svg('linearGradient', { id: 'chadburn-wood', x1: 0, y1: 0, x2: 1, y2: 0 },
      stop(0, 'wood-1'), stop(0.4, 'wood-2'), stop(1, 'wood-3')));
}

/** The bezel's turned highlight is a conic gradient behind the drawing; here are its edges. */
function body() {
  return svg('g', { class: 'body' },
    svg('circle', { class: 'bezel-edge', r: R.bezel - 1 }),
    svg('circle', { class: 'bezel-groove', r: (R.bezel + R.enamel) / 2 }),
    svg('circle', { class: 'enamel', r: R.enamel }),
    svg('circle', { class: 'enamel-edge', r: R.enamel }),
    svg('circle', { class: 'inner-ring', r: R.wedge - 6 }));
}

function sector({ position, name }, index, { step, angles }) {
  const middle = angles[index];
  const [from, to] = [middle - step / 2, middle + step / 2];
  const inset = 0.7;
  const at = polar(middle, R.number);
  const { paths, texts } = lettering(name, `chadburn-name-${index}`, middle, step);
  return svg('g', {
    class: 'sector', role: 'button', tabindex: -1, 'aria-label': `Answer ${name}`,
    'data-index': index, 'data-position': position,
  },
  svg('path', { class: 'hit', d: sectorPath(from, to, R.hit, R.enamel) }),
  svg('path', { class: 'wedge', d: sectorPath(from, to, R.wedge, R.enamel) }),
  svg('path', { class: 'wait', d: arcPath(from + 1.4, to - 1.4, R.nameOuter + 1) }),
  ...paths, ...texts,
  svg('text', { class: 'number', x: at.x, y: at.y, dy: '0.36em' }, String(position)),
  svg('path', {
    class: 'focus', d: sectorPath(from + inset, to - inset, R.wedge + 5, R.enamel - 5),
  }));
}

/** The name of a sector along its own arc: the paths to write on, and the texts. */
function lettering(name, id, middle, step) {
  const flipped = isFlipped(middle);
  const band = { inner: R.nameInner, outer: R.nameOuter, leading: LEADING, flipped };
  const widthAt = (radius) => ((step * Math.PI) / 180) * radius * NAME_SHARE;
  const { lines, size } = engrave(name, {
    width: (k, count) => widthAt(baselines(count, { ...band, size: 26 })[k]),
    height: band.outer - band.inner,
    largest: 36,
  });
  const radii = baselines(lines.length, { ...band, size });
  const half = flipped ? -step / 2 : step / 2;
  const paths = radii.map((radius, k) => svg('path', {
    id: `${id}-${k}`, class: 'baseline', d: arcPath(middle - half, middle + half, radius),
  }));
  const texts = lines.map((line, k) => svg('text', {
    class: 'name', 'font-size': size, 'data-room': widthAt(radii[k]), 'aria-hidden': true,
  }, svg('textPath', { href: `#${id}-${k}`, startOffset: '50%' }, line)));
  return { paths, texts };
}

/** Makes writing smaller when the font is wider than was guessed; lines stay of one size. */
function shrinkToFit(group) {
  const texts = [...group.querySelectorAll('[data-room]')];
  const excess = Math.max(...texts.map((text) =>
    text.getComputedTextLength() / Number(text.dataset.room)));
  if (!(excess > 1)) return;
  for (const text of texts) {
    text.setAttribute('font-size', Number(text.getAttribute('font-size')) / excess);
  }
}

function arcs(positions, { step, angles }) {
  const middleRadius = (R.arcInner + R.arcOuter) / 2;
  return arcsOf(positions).flatMap(({ name, first, last }, index) => {
    const [from, to] = [angles[first] - step / 2 + 1, angles[last] + step / 2 - 1];
    const flipped = isFlipped((from + to) / 2);
    const room = ((to - from) * Math.PI / 180) * R.arcInner * 0.9;
    const { lines, size } = engrave(name.replaceAll(' ', '\u00a0'), {
      width: () => room, height: R.arcOuter - R.arcInner, largest: 25,
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
      svg('text', { class: 'arc-name', 'font-size': size, 'data-room': room },
        svg('textPath', { href: `#${id}`, startOffset: '50%' }, lines.join(' '))),
    ];
  });
}

function plate(title, plan) {
  const half = Math.min(PLATE.widest, plateHalfWidth(plan, PLATE.top, PLATE.within),
    plateHalfWidth(plan, PLATE.bottom, PLATE.within));
  const height = PLATE.bottom - PLATE.top;
  // A slash on the plate separates two lines, as maker and instrument.
  const wanted = title.split(' / ').map((part) => part.replaceAll(' ', '\u00a0')).join(' ');
  const { lines, size } = engrave(half > 60 && title.includes(' / ') ? wanted : title, {
    width: () => half * 1.75, height: height * 0.84, largest: 30,
  });
  const middle = (PLATE.top + PLATE.bottom) / 2;
  return svg('g', { class: 'plate' },
    svg('rect', { x: -half, y: PLATE.top, width: half * 2, height, rx: 9 }),
    svg('circle', { class: 'screw', cx: -half + 11, cy: middle, r: 4 }),
    svg('circle', { class: 'screw', cx: half - 11, cy: middle, r: 4 }),
    ...lines.map((line, k) => svg('text', {
      x: 0, y: middle + (k - (lines.length - 1) / 2) * size * LEADING, dy: '0.36em',
      'font-size': size, 'data-room': half * 1.75,
    }, line)));
}

/** The red pointer, inside, at the top; the dial turns it. */
function orderPointer() {
  return svg('g', { class: 'pointer order' },
    svg('path', { class: 'shadow', d: ORDER_POINTER, transform: 'translate(3 5)' }),
    svg('path', { class: 'needle', d: ORDER_POINTER }),
    svg('path', { class: 'ridge', d: 'M0 -40L0 -232' }));
}

const ORDER_POINTER = 'M-9 70L9 70L11 0L7 -196L24 -190L0 -256L-24 -190L-7 -196L-11 0Z';

/** The brass fork with its wooden grip, outside, at the top; its prongs frame a sector. */
function replyFork(step) {
  const half = Math.min(step / 2, 14);
  const prong = (side) => {
    const [a, b] = [polar(side * half, 456), polar(side * half, 244)];
    return svg('path', { class: 'prong', d: `M${a.x} ${a.y}L${b.x} ${b.y}` });
  };
  return svg('g', { class: 'pointer reply' },
    prong(-1), prong(1),
    svg('path', { class: 'yoke', d: sectorPath(-half - 0.6, half + 0.6, 428, 460) }),
    svg('rect', { class: 'neck', x: -9, y: -472, width: 18, height: 16, rx: 3 }),
    svg('rect', { class: 'grip', x: -19, y: -499, width: 38, height: 36, rx: 11 }),
    // Engraved on the yoke when reply and order agree: colour is never the only sign.
    svg('path', { class: 'check', d: 'M-10 -446l7 8l14 -16' }));
}
