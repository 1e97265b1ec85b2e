// Tests that end: whatever a test or a hook waits for, it fails when its time is up. The runner's own
// `--test-timeout` is the last resort: it ends a whole file, and cannot say which test hung.

import * as runner from 'node:test';

/** How long a test or a hook may take, in ms; on a busy machine most need a tenth of it. */
const END_MS = 300_000;

/** A test; `options` as node:test has them. */
export function test(name, options, body) {
  if (typeof options === 'function') return test(name, {}, options);
  return runner.test(name, { timeout: END_MS, ...options }, body);
}

export const before = (act) => runner.before(act, { timeout: END_MS });
export const after = (act) => runner.after(act, { timeout: END_MS });
