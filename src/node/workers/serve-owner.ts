import { serveRecognizer } from '../../workers/answers.js';
import type { OwnerPort } from '../../workers/port.js';
import { noteChannel } from '../checkpoints/index.js';
import { loadServed } from './load-served.js';
import type { FromProcess, ProcessSetup, ProcessUsage, ToProcess } from './process-messages.js';

/** Milliseconds between two messages about what this process uses. */
const usageEvery = 2000;

/**
 * In a process: waits for its setup, then answers whoever started it until that one disposes of it.
 * @param onEnd is called when all is disposed of, before the connection is closed
 */
export async function serveOwner(onEnd: () => void): Promise<void> {
  const { options } = await new Promise<ProcessSetup>((resolve) => {
    process.once('message', (message: ToProcess) => {
      if (message.type === 'setup') resolve(message);
    });
  });
  const port = ownerPort(onEnd);
  noteChannel.subscribe((sentence) => port.post({ type: 'note', sentence: String(sentence) }, []));
  await serveRecognizer(port, () =>
    loadServed(
      options,
      (native) => native(),
      (work) => send({ work }),
    ),
  );
  tellUsage();
}

/** Whoever is gone hears nothing more. */
function send(message: FromProcess): void {
  process.send?.(message, undefined, undefined, () => undefined);
}

function ownerPort(onEnd: () => void): OwnerPort {
  return {
    post: (reply) => send({ reply }),
    listen: (callback) =>
      process.on('message', (message: ToProcess) => {
        if (message.type !== 'setup') callback(message);
      }),
    close() {
      onEnd();
      process.disconnect();
    },
  };
}

function tellUsage(): void {
  let before = 0;
  const tell = (): void => {
    const { user, system } = process.cpuUsage();
    const used = (user + system) / 1e6;
    const usage: ProcessUsage = { memory: process.memoryUsage.rss(), processorSeconds: used - before };
    before = used;
    send({ usage });
  };
  tell();
  setInterval(tell, usageEvery).unref();
}
