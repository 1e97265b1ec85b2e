// What the relay has said, as one state, and what can be made of it. Pure: no page, no socket, no clock.
//
// A message that is not as docs/eye.md has it changes nothing.

/** After this long without a frame a camera is shown as silent, in ms: a processor sends ten frames a second. */
export const SILENT_MS = 2_000;

export const INITIAL = Object.freeze({
  /** Cameras in the order of their names: `{ id, frameId, boxes, at }`; `at` is null before the first frame. */
  cameras: [],
  /** Objects: `{ objectId, cameraId, hasMap }`. */
  objects: [],
  /** What became of the last start: `{ text, isBad }`, or null. */
  word: null,
});

/** The state after this message, which came at this time (monotonic ms). */
export function reduce(state, message, now) {
  switch (message?.type) {
    case 'cameras': return isList(message.cameras, isText) ? withCameras(state, message.cameras) : state;
    case 'objects': return isList(message.objects, isObject) ? { ...state, objects: message.objects } : state;
    case 'boundingBoxes': return isFrame(message) ? withFrame(state, message, now) : state;
    case 'started': {
      const { objectId, cameraId } = message;
      return { ...state, word: { text: `${label(objectId)} is tracked, as ${cameraId} sees it.`, isBad: false } };
    }
    case 'refused':
      return { ...state, word: { text: `Not tracked: ${message.reason} (${message.cameraId}).`, isBad: true } };
    default: return state;
  }
}

/** The message in this text, or null. */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** How an object is called on the page: its last four digits tell it from its neighbours. */
export function label(objectId) {
  return `#${String(objectId).slice(-4)}`;
}

/** What a box is, in words. */
export function describe({ objectType, certainty, objectId }) {
  const what = `${objectType}, ${Math.round(100 * certainty)} %`;
  return objectId === undefined || objectId === null ? what : `${label(objectId)} ${what}`;
}

/** The cameras that see an object now. */
export function seenBy(state, objectId) {
  const sees = ({ boxes }) => boxes.some((box) => box.objectId === objectId);
  return state.cameras.filter(sees).map(({ id }) => id);
}

/** How long a camera has been silent, in whole seconds; 0 while it is not, null before its first frame. */
export function silence(camera, now) {
  if (camera.at === null) return null;
  const ms = now - camera.at;
  return ms < SILENT_MS ? 0 : Math.floor(ms / 1_000);
}

/** Boxes as eyes and hands go over them: from top to bottom, and from left to right within a tenth of the height. */
export function inOrder(boxes) {
  const row = ({ rect }) => Math.floor(10 * rect[1]);
  return [...boxes].sort((a, b) => row(a) - row(b) || a.rect[0] - b.rect[0]);
}

function withCameras(state, ids) {
  const known = new Map(state.cameras.map((camera) => [camera.id, camera]));
  const camera = (id) => known.get(id) ?? { id, frameId: null, boxes: [], at: null };
  return { ...state, cameras: ids.map(camera) };
}

function withFrame(state, { cameraId, frameId, boxes }, now) {
  // What the cameras are the list says: a frame may come after its camera is gone.
  const cameras = state.cameras.map((it) => (it.id === cameraId ? { id: cameraId, frameId, boxes, at: now } : it));
  return { ...state, cameras };
}

const isText = (it) => typeof it === 'string';
const isNumber = (it) => typeof it === 'number' && Number.isFinite(it);
const isName = (it) => isText(it) || Number.isSafeInteger(it);
const isList = (list, is) => Array.isArray(list) && list.every(is);
const isObject = (it) => Number.isSafeInteger(it?.objectId);
const isBox = (it) => isName(it?.boxId) && isName(it.objectType) && isNumber(it.certainty)
  && isList(it.rect, isNumber) && it.rect.length === 4;
const isFrame = (it) => isText(it.cameraId) && isNumber(it.frameId) && isList(it.boxes, isBox);
