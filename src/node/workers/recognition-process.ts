/**
 * The process that recognises for another one: loads the networks, then answers what `recognition-thread.ts` asks. It ends with
 * whoever started it.
 */

// Ctrl-C, and whoever stops all processes of a service, mean the one that started it: that one answers first, then ends this one.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
// After these lines: loading its modules takes a while.
const { serveOwner } = await import('./serve-owner.js');
await serveOwner();

export {};
