import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { messageOf } from '../../common/errors.js';
import { emptyBudget } from '../../common/memory-budget.js';
import { pictureMemory } from '../../image/picture-memory.js';
import type { Reply, ThreadOptions } from '../../workers/messages.js';
import { type Port, type PortEvents, threadEnded } from '../../workers/port.js';
import { threadProgram } from '../files/package-files.js';
import { switchTelemetryOff } from '../host/onnxruntime.js';
import { NativeWork } from './native-work.js';
import { type ThreadData, transferList } from './thread-data.js';
import { type WorkDone, workChannel } from './work-done.js';

/** Milliseconds that calls of native libraries may take when the process or the thread ends. */
const patience = 30_000;

/** Of all threads. When the process ends, none of them may be within a native library. */
const works = new Set<NativeWork>();
const closeAll = (): void => {
  for (const work of works) work.close(patience);
};

/** The thread's end of a connection whose messages are published; it keeps no process alive. */
function portOfWork(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', (done: WorkDone) => workChannel.publish(done));
  port1.unref();
  return port2;
}

/** Starts a worker thread that loads a recognizer. */
export function startThread(options: ThreadOptions, { reply, ended }: PortEvents): Port {
  // A thread has a copy of the environment, in which ONNX Runtime's own setting comes too late.
  switchTelemetryOff();
  const work = new NativeWork();
  const workDone = workChannel.hasSubscribers ? portOfWork() : undefined;
  const account = emptyBudget();
  const memory = pictureMemory().shared;
  const workerData: ThreadData = { options, memory, account, nativeWork: work.shared, workDone };
  const worker = new Worker(threadProgram('dist/src/node/workers/recognition-worker.js'), {
    workerData,
    transferList: workDone === undefined ? [] : [workDone],
    // Such as --input-type, with which no file can be run.
    execArgv: [],
  });
  if (works.size === 0) process.on('exit', closeAll);
  works.add(work);
  let reason = '';
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      works.delete(work);
      pictureMemory().forgive(account);
      if (works.size === 0) process.off('exit', closeAll);
      ended(threadEnded(reason));
      resolve();
    });
  });
  worker.on('message', (received: Reply) => reply(received));
  worker.on('error', (error) => {
    reason = messageOf(error);
  });
  return {
    post: (request, transfer) => worker.postMessage(request, transferList(transfer)),
    setWaiting(waiting) {
      if (waiting) worker.ref();
      else worker.unref();
    },
    async end() {
      worker.ref();
      worker.postMessage({ type: 'dispose' });
      // Again and again: a run of the network that is under way must not be cut off.
      const timer = setInterval(() => {
        if (work.close(0)) void worker.terminate();
      }, patience);
      await exited;
      clearInterval(timer);
    },
  };
}
