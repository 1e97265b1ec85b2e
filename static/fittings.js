// What a dial has beside its sectors: the body, the maker's plate and the ship's bell.
//
// Shapes only; what the bell does and which colour anything has, the style sheet decides.

import { plateHalfWidth, polar } from './geometry.js';
import { LEADING, engrave } from './lettering.js';
import { svg } from './svg.js';

/** The plate's upper and lower edge below the centre, and the circle it must stay within. */
const PLATE = { top: 296, bottom: 376, within: 404, widest: 176 };

/** Where the bell hangs and where its lip is, below the centre, and half its width. */
const BELL = { pivot: 88, lip: 232, half: 76 };

/** What a parked arrow needs beside the bell, in degrees. */
const ARROW = 10;

/** The screws of the bezel, in degrees. */
const SCREWS = [-150, -90, -30, 30, 90, 150];

export function gradients() {
  const stop = (offset, tone, opacity = 1) =>
    svg('stop', { offset, class: tone, 'stop-opacity': opacity });
  const down = { x1: 0, y1: 0, x2: 0, y2: 1 };
  const across = { x1: 0, y1: 0, x2: 1, y2: 0 };
  return svg('defs', {},
    svg('radialGradient', { id: 'chadburn-enamel', cx: 0.5, cy: 0.4, r: 0.64 },
      stop(0, 'enamel-1'), stop(0.72, 'enamel-2'), stop(1, 'enamel-3')),
    svg('radialGradient', { id: 'chadburn-rim', cx: 0.5, cy: 0.5, r: 0.5 },
      stop(0.9, 'ink-stop', 0), stop(1, 'ink-stop', 0.2)),
    svg('linearGradient', { id: 'chadburn-brass', ...down },
      stop(0, 'brass-1'), stop(0.5, 'brass-2'), stop(1, 'brass-3')),
    svg('linearGradient', { id: 'chadburn-fork', ...down },
      stop(0, 'fork-1'), stop(0.5, 'fork-2'), stop(1, 'fork-3')),
    svg('linearGradient', { id: 'chadburn-plate', x1: 0, y1: 0, x2: 1, y2: 1 },
      stop(0, 'brass-2'), stop(0.35, 'brass-1'), stop(0.6, 'brass-2'), stop(1, 'brass-1')),
    svg('linearGradient', { id: 'chadburn-bell', ...across },
      stop(0, 'brass-3'), stop(0.28, 'brass-1'), stop(0.55, 'brass-2'), stop(1, 'brass-3')),
    svg('linearGradient', { id: 'chadburn-wood', ...across },
      stop(0, 'wood-1'), stop(0.4, 'wood-2'), stop(1, 'wood-3')));
}

/** The bezel's turned highlight is a conic gradient behind the drawing; here are its edges. */
export function body(radii) {
  const middle = (radii.bezel + radii.enamel) / 2 + 2;
  return svg('g', { class: 'body' },
    svg('circle', { class: 'bezel-edge', r: radii.bezel - 1 }),
    svg('circle', { class: 'bezel-groove', r: radii.bezel - 9 }),
    svg('circle', { class: 'bezel-groove', r: radii.enamel + 9 }),
    ...SCREWS.map((angle) => screw(polar(angle, middle), angle * 7 + 40)),
    svg('circle', { class: 'enamel', r: radii.enamel }),
    svg('circle', { class: 'rim', r: radii.enamel }),
    svg('circle', { class: 'enamel-edge', r: radii.enamel }));
}

function screw({ x, y }, turn) {
  return svg('g', { class: 'screw', transform: `translate(${x} ${y}) rotate(${turn})` },
    svg('circle', { r: 8 }), svg('path', { d: 'M-6 0H6' }));
}

/** The maker's plate in the lower quarter. */
export function plate(title, plan) {
  const half = Math.min(PLATE.widest, plateHalfWidth(plan, PLATE.top, PLATE.within),
    plateHalfWidth(plan, PLATE.bottom, PLATE.within));
  const height = PLATE.bottom - PLATE.top;
  // A slash on the plate separates two lines, as maker and instrument.
  const wanted = title.split(' / ').map((part) => part.replaceAll(' ', '\u00a0')).join(' ');
  const { lines, size } = engrave(half > 60 && title.includes(' / ') ? wanted : title, {
    width: () => half * 1.66, height: height * 0.72, largest: 30,
  });
  const middle = (PLATE.top + PLATE.bottom) / 2;
  const frame = (inset, name) => svg('rect', {
    class: name, x: inset - half, y: PLATE.top + inset, rx: 9 - inset / 2,
    width: (half - inset) * 2, height: height - inset * 2,
  });
  return svg('g', { class: 'plate' },
    frame(0, 'plate-body'), frame(6, 'plate-line'),
    ...[-1, 1].map((side) => svg('circle', {
      class: 'rivet', cx: side * (half - 13), cy: middle, r: 3.5,
    })),
    ...lines.map((line, k) => svg('text', {
      x: 0, y: middle + (k - (lines.length - 1) / 2) * size * LEADING, dy: '0.36em',
      'font-size': size, 'data-room': half * 1.66,
    }, line)));
}

/** Where the bell hangs, below its place. */
const CROWN = 6;

/**
 * How far the bell hangs aside, in degrees; the last is at rest. Each is drawn for itself, since to
 * turn a shape is to lay it out and to paint it, while one that shows through another is neither.
 */
const POSES = [16, -12, 7, -4, 0];

/** The bell below the hub: it swings while it rings, and shows whether it can be heard. */
export function shipsBell(plan) {
  // Only a parked arrow comes as far in as the bell, and an arrow is slender.
  const free = plateHalfWidth({ ...plan, step: ARROW }, (BELL.pivot + BELL.lip) / 2, 400);
  const scale = Math.min(1, free / BELL.half);
  const drop = BELL.lip - BELL.pivot;
  const wave = (side, reach) => svg('path', {
    class: 'wave',
    d: `M${side * reach} ${drop * 0.42}A${reach} ${reach} 0 0 ${side > 0 ? 1 : 0} `
      + `${side * reach * 0.86} ${drop * 0.42 + reach * 0.62}`,
  });
  return svg('g', {
    class: 'ships-bell', 'aria-hidden': true,
    transform: `translate(0 ${BELL.pivot}) scale(${scale})`,
  },
  svg('g', { class: 'waves' }, ...[-1, 1].flatMap((side) => [wave(side, 84), wave(side, 104)])),
  svg('g', { class: 'swinging' }, ...POSES.map((angle) => svg('g', {
    class: 'pose', transform: `rotate(${angle} 0 ${CROWN})`,
  },
  svg('circle', { class: 'clapper', cx: 0, cy: drop + 6, r: 12 }),
  svg('circle', { class: 'crown', cx: 0, cy: CROWN, r: 10 }),
  svg('path', {
    class: 'bronze',
    d: `M-12 14H12C34 18 42 34 45 60C48 92 54 108 68 ${drop - 14}Q72 ${drop - 4} 66 ${drop}`
      + `H-66Q-72 ${drop - 4} -68 ${drop - 14}C-54 108 -48 92 -45 60C-42 34 -34 18 -12 14Z`,
  }),
  svg('path', { class: 'band', d: `M-55 108H55M-63 ${drop - 20}H63M-43 48H43` })))),
  svg('g', { class: 'hourglass', transform: `translate(0 ${drop * 0.56})` },
    svg('circle', { class: 'disc', r: 47 }),
    svg('path', { class: 'frame', d: 'M-20 -30H20M-20 30H20' }),
    svg('path', { class: 'bulb', d: 'M-15 -29V-18L-3 0L-15 18V29H15V18L3 0L15 -18V-29Z' }),
    svg('path', { class: 'sand', d: 'M-9 -13H9L0 -1ZM-13 27L0 13L13 27Z' })),
  svg('path', { class: 'slash', d: `M-74 ${drop + 8}L74 2` }),
  svg('rect', { class: 'hit', x: -100, y: -20, width: 200, height: drop + 44 }));
}
