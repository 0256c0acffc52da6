/**
 * The thread that all calls of MPI are made in: they block, and the event loop's thread has other things to do. It and its owner share
 * the memory that is sent and received.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { sentError } from '../../common/sent-errors.js';
import { type MpiLibrary, openMpi } from './mpi-library.js';
import { MpiMail } from './mpi-mail.js';
import { beginning, type MpiAnswer, type MpiRequest, type MpiThreadData } from './mpi-messages.js';
import { addInOrder, segmentLength } from './rank-order.js';

const { vendor, native, slots } = workerData as MpiThreadData;
const port = parentPort;
if (port === null) throw new Error('this module is for a worker thread');
const answer = (message: MpiAnswer): void => port.postMessage(message);

/** What the segments of all ranks are received in. */
let received = new Float32Array();

function sumInOrder(mpi: MpiLibrary, size: number, slot: Float32Array, count: number): void {
  const segment = segmentLength(count, size);
  if (received.length < segment * size) received = new Float32Array(segment * size);
  const parts = received.subarray(0, segment * size);
  // The last segments may be longer than what there is.
  slot.fill(0, count, segment * size);
  mpi.alltoall(slot, parts, segment);
  const own = parts.subarray(0, segment);
  addInOrder(parts, own);
  mpi.allgather(own, slot);
}

async function answerTo(mpi: MpiLibrary, mail: MpiMail, size: number, request: MpiRequest): Promise<void> {
  const { id } = request;
  switch (request.type) {
    case 'sum': {
      const slot = new Float32Array(slots[request.slot]);
      if (native) mpi.allreduce(slot.subarray(0, request.count));
      else sumInOrder(mpi, size, slot, request.count);
      break;
    }
    case 'allgather': {
      const [own, all] = [new Uint8Array(slots[0]), new Uint8Array(slots[1])];
      mpi.allgatherBytes(own.subarray(0, request.length), all);
      break;
    }
    case 'send':
      mail.send(request.to, request.bytes);
      break;
    case 'receive':
      answer({ id, type: 'received', bytes: await mail.receive(request.from) });
      return;
    case 'finish':
      mail.flush();
      mpi.finalize();
      answer({ id, type: 'done' });
      port?.close();
      return;
  }
  answer({ id, type: 'done' });
}

try {
  const mpi = await openMpi({ vendor });
  const { rank, size } = mpi.init();
  const mail = new MpiMail(mpi);
  port.on('message', (request: MpiRequest) => {
    answerTo(mpi, mail, size, request).catch((error: unknown) => {
      answer({ id: request.id, type: 'failed', error: sentError(error) });
    });
  });
  answer({ id: beginning, type: 'ready', rank, size, name: mpi.name });
} catch (error) {
  answer({ id: beginning, type: 'failed', error: sentError(error) });
}
