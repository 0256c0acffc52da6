/** The thread that recognises for another one: loads the networks, then answers what `recognition-thread.ts` asks. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { sharePictureMemory } from '../../image/picture-memory.js';
import { serveRecognizer } from '../../workers/answers.js';
import type { Request } from '../../workers/messages.js';
import type { OwnerPort } from '../../workers/port.js';
import { noteChannel } from '../checkpoints/index.js';
import { loadServed } from './load-served.js';
import { NativeWork } from './native-work.js';
import { type ThreadData, transferList } from './thread-data.js';

function ownerPort(port: MessagePort): OwnerPort {
  return {
    post: (reply, transfer) => port.postMessage(reply, transferList(transfer)),
    listen: (callback) => port.on('message', (request: Request) => callback(request)),
    close: () => port.close(),
  };
}

async function serve(port: OwnerPort, { options, memory, account, nativeWork, workDone }: ThreadData): Promise<void> {
  sharePictureMemory(memory, account);
  noteChannel.subscribe((sentence) => port.post({ type: 'note', sentence: String(sentence) }, []));
  const work = new NativeWork(nativeWork);
  const tell = workDone === undefined ? undefined : workDone.postMessage.bind(workDone);
  await serveRecognizer(port, () => loadServed(options, (native) => work.do(native), tell));
}

if (parentPort !== null) void serve(ownerPort(parentPort), workerData);
