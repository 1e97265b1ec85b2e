// The two pointers, drawn at the top: the red one for the order, the fork for the reply.
//
// The dial turns them. Where both agree, the arrow's head lies in the hooks of the fork.

import { polar, sectorPath } from './geometry.js';
import { svg } from './svg.js';

/** The arrow's tip, barbs and tail, and half its head's width at most. */
const TIP = 257;
const BARBS = 200;
const TAIL = 66;
const HEAD = 27;

/** Half the angle that the fork spans at most: beyond, it would be a rake. */
const FORK = 20;

/** Where the fork's arms end, and where its yoke lies upon the bezel. */
const ARM_END = 240;
const YOKE_INNER = 420;
const YOKE_OUTER = 447;

/** The red pointer, inside: two facets and a ridge, as if it were filed from the solid. */
export function orderPointer(step) {
  const head = headOf(step);
  const left = `M0 ${TAIL}L-10 ${TAIL}L-11 0L-7 -${BARBS + 8}L-${head} -${BARBS}L0 -${TIP}Z`;
  const right = `M0 ${TAIL}L10 ${TAIL}L11 0L7 -${BARBS + 8}L${head} -${BARBS}L0 -${TIP}Z`;
  return svg('g', { class: 'pointer order' },
    svg('path', { class: 'shadow', d: left + right, transform: 'translate(4 6)' }),
    svg('path', { class: 'needle', d: left }),
    svg('path', { class: 'needle facet', d: right }));
}

/** The brass fork with its wooden grip, outside; its arms frame a sector. */
export function replyFork(step) {
  const half = Math.min(step / 2, FORK);
  const head = headOf(step);
  return svg('g', { class: 'pointer reply' },
    svg('g', { class: 'shadow', transform: 'translate(4 6)' },
      arm(-1, half, head), arm(1, half, head)),
    arm(-1, half, head), arm(1, half, head),
    svg('path', { class: 'yoke', d: sectorPath(-half - 1, half + 1, YOKE_INNER, YOKE_OUTER) }),
    svg('path', { class: 'ferrule', d: 'M-15 -440L15 -440L12 -461L-12 -461Z' }),
    svg('path', {
      class: 'grip', d: 'M-13 -458C-25 -464 -27 -482 -19 -492Q-12 -499 0 -499'
        + 'Q12 -499 19 -492C27 -482 25 -464 13 -458Z',
    }),
    svg('path', { class: 'gloss', d: 'M-12 -490C-17 -482 -16 -472 -10 -465' }),
    // On the yoke when reply and order agree: colour is never the only sign.
    svg('g', { class: 'agreed', transform: 'translate(0 -434)' },
      svg('circle', { r: 19 }), svg('path', { class: 'check', d: 'M-10 1l7 7l13 -15' })));
}

/** One arm: a tapered bar along the sector's edge, with a hook that holds the arrow's barb. */
function arm(side, half, head) {
  const root = polar(side * half, YOKE_INNER + 8);
  const end = polar(side * half, ARM_END + 16);
  const across = polar(side * half + 90, 1);
  const off = ({ x, y }, width) =>
    `${x + across.x * width * side} ${y + across.y * width * side}`;
  const hook = { x: side * (head + 3), y: -(ARM_END - 30) };
  const elbow = polar(side * half, ARM_END - 12);
  return svg('path', {
    class: 'arm',
    d: `M${off(root, 7)}L${off(end, 5)}Q${off(elbow, 4)} ${hook.x} ${hook.y + 8}`
      + `L${hook.x - side * 4} ${hook.y - 6}Q${off(elbow, -9)} ${off(end, -4)}L${off(root, -6)}Z`,
  });
}

/** Half the arrow head's width: it has to fit between the arms of a narrow sector's fork. */
function headOf(step) {
  const room = 240 * Math.tan((Math.min(step / 2, FORK) * Math.PI) / 180);
  return Math.round(Math.min(HEAD, room * 0.62));
}
