/**
 * The process that recognises for another one: loads the networks, then answers what `recognition-thread.ts` asks. It ends with
 * whoever started it.
 */

// Ctrl-C, and whoever stops all processes of a service, mean the one that started it: that one answers first, then ends this one.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
// Whoever started it is gone. Ending by exit within a native library would be a crash.
const endAtOnce = (): boolean => process.kill(process.pid, 'SIGKILL');
process.once('disconnect', endAtOnce);

// After these lines: loading its modules takes a while.
const { serveOwner } = await import('./serve-owner.js');
await serveOwner(() => process.off('disconnect', endAtOnce));

export {};
