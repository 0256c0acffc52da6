/*
 * Loaded into the server before its own program (`--import`): how long its event loop holds everybody up. What counts is the time that
 * the thread computes between two turns of the loop, so that other programs of the machine do not count. On systems that are not
 * Linux it is the time on the clock.
 */
import { readFileSync } from 'node:fs';
import { itemAt } from '../../src/common/item-at.js';

/** Milliseconds that this thread has computed. */
const computed =
  process.platform === 'linux'
    ? () => Number(itemAt(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' '), 0)) / 1e6
    : () => performance.now();

let last = computed();
let longest = 0;
setInterval(() => {
  const now = computed();
  longest = Math.max(longest, now - last);
  last = now;
}, 1).unref();
process.on('message', () => {
  process.send?.(longest);
  longest = 0;
});
process.channel?.unref();
