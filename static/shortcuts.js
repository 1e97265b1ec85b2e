// What a key means that is typed anywhere: bell, silence, console, help, or a way to the dial.
//
// Pure. Fields keep all their keys; on the dial letters are names, unless Shift is held.

/** What each key means by itself. */
const KEYS = new Map([['`', 'console'], ['?', 'help'], ['b', 'bell'], ['s', 'silence']]);

/**
 * What a keydown asks for: `console`, `help`, `bell`, `silence`, `undo`, `dial` (let the dial find it),
 * or null. `inField` is whether it is typed into something, `onDial` whether the dial has focus,
 * `isHeld` whether there is an answer to be taken back.
 */
export function meaning(event, { inField, onDial, isModal, isHeld = false }) {
  const { key, ctrlKey, metaKey, altKey, shiftKey, repeat } = event;
  if (ctrlKey || metaKey || altKey || repeat) return null;
  // The console's own field gives back the key that opened it.
  if (key === '`') return inField === 'text' ? null : 'console';
  if (inField) return null;
  if (key === 'Escape') return isHeld && !isModal ? 'undo' : null;
  const asked = KEYS.get(key.toLowerCase()) ?? null;
  const isLetter = asked === 'bell' || asked === 'silence';
  if (isLetter) return onDial && !shiftKey ? null : asked;
  if (asked !== null || isModal) return asked;
  return !shiftKey && !onDial && /^[\p{L}\p{N}]$/u.test(key) ? 'dial' : null;
}
