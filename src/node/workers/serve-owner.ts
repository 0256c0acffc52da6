import { Socket } from 'node:net';
import { serveRecognizer } from '../../workers/answers.js';
import type { Reply, Request } from '../../workers/messages.js';
import type { OwnerPort } from '../../workers/port.js';
import { noteChannel } from '../checkpoints/index.js';
import { loadServed } from './load-served.js';
import { readMessages, writeMessage } from './message-stream.js';
import {
  type FromProcess,
  ownerStream,
  type ProcessSetup,
  type ProcessUsage,
  type ToProcess,
} from './process-messages.js';

/** Milliseconds between two messages about what this process uses. */
const usageEvery = 2000;

/** In a process: waits for its setup, then answers whoever started it until that one disposes of it. */
export async function serveOwner(): Promise<void> {
  const owner = new Owner(new Socket({ fd: ownerStream }));
  const { options } = await owner.setup;
  noteChannel.subscribe((sentence) => owner.post({ type: 'note', sentence: String(sentence) }, []));
  await serveRecognizer(owner, () =>
    loadServed(
      options,
      (native) => native(),
      (work) => owner.tell({ work }),
    ),
  );
  tellUsage(owner);
}

/** The connection with whoever started this process, which ends with it. */
class Owner implements OwnerPort {
  readonly setup: Promise<ProcessSetup>;
  readonly #stream: Socket;
  #listener: (request: Request) => void = () => undefined;

  constructor(stream: Socket) {
    this.#stream = stream;
    stream.on('error', () => undefined);
    stream.once('close', endAtOnce);
    this.setup = new Promise((resolve) => {
      readMessages(stream, (received) => {
        const message = received as ToProcess;
        if (message.type === 'setup') resolve(message);
        else this.#listener(message);
      });
    });
  }

  post(reply: Reply, transfer: Parameters<OwnerPort['post']>[1]): void {
    if (this.#stream.writable) writeMessage(this.#stream, { reply } satisfies FromProcess, transfer);
  }

  tell(message: FromProcess): void {
    if (this.#stream.writable) writeMessage(this.#stream, message);
  }

  listen(callback: (request: Request) => void): void {
    this.#listener = callback;
  }

  close(): void {
    this.#stream.off('close', endAtOnce);
    // After what was posted.
    this.#stream.end(() => this.#stream.destroy());
  }
}

/** Whoever started this process is gone. Ending by exit within a native library would be a crash. */
const endAtOnce = (): boolean => process.kill(process.pid, 'SIGKILL');

function tellUsage(owner: Owner): void {
  let before = 0;
  const tell = (): void => {
    const { user, system } = process.cpuUsage();
    const used = (user + system) / 1e6;
    const usage: ProcessUsage = { memory: process.memoryUsage.rss(), processorSeconds: used - before };
    before = used;
    owner.tell({ usage });
  };
  tell();
  setInterval(tell, usageEvery).unref();
}
