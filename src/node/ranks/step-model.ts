import { headerLength, shortLength } from './header.js';
import { bucketLength, segmentLength } from './rank-order.js';

/**
 * How long a step of several ranks takes, from what a rank computes and what the network carries. It counts what `Trainer` and `Communicator`
 * send for a step without SAM; how MPI sends it is as Open MPI 4.1 does between machines over TCP.
 */

/** What one rank computes in a step. */
export interface Computing {
  /** Seconds whatever the number of pictures. */
  readonly fixed: number;
  /** Seconds for each picture of its share. */
  readonly perPicture: number;
  /** Standard deviation of a rank's time, as a fraction of it: the slowest rank decides. */
  readonly spread: number;
}

/** What ranks send each other in a step. */
export interface Exchanged {
  /** Elements of the gradients. */
  readonly gradients: number;
  /** Elements of BatchNorm's statistics. */
  readonly statistics: number;
}

/** Between any two machines. */
export interface Network {
  readonly bitsPerSecond: number;
  /** Seconds for a small message, one way. */
  readonly latency: number;
}

/** What sending costs beside the network. */
export interface Sending {
  /** Seconds of a call: the thread of MPI is asked, and answers. */
  readonly perCall: number;
  /** Seconds for each message of a call. */
  readonly perMessage: number;
  /** Seconds to copy and add a byte of a sum. */
  readonly perByte: number;
  /** Latencies for a message that is too large to be sent before the other side asks for it. */
  readonly handshake: number;
  /** Part of the bits that are content; the rest are headers of TCP, IP and Ethernet. */
  readonly efficiency: number;
  /** How much longer bytes take with three ranks or more: what is for one of them, answers too, waits behind what is for others. */
  readonly crowding: number;
}

/** Efficiency and handshake follow from the protocols; bench/plan.ts measures the others, crowding with four ranks. */
export const tcpSending: Sending = {
  perCall: 1e-4,
  perMessage: 2e-5,
  perByte: 4e-9,
  handshake: 3,
  efficiency: 1448 / 1538,
  crowding: 1.4,
};

export interface Step extends Computing, Exchanged, Network {
  readonly ranks: number;
  /** Pictures of all ranks. */
  readonly batch: number;
}

/** Seconds of a step, by what they are spent on. */
export interface StepTime {
  readonly computing: number;
  /** For the slowest of the ranks, beyond the mean. */
  readonly waiting: number;
  /** Bytes under way. */
  readonly transfer: number;
  /** Messages under way, and all calls. */
  readonly messages: number;
  readonly total: number;
}

/** Bytes up to which a message is sent without asking. */
const eagerBytes = 64 * 1024;
/** Ranks up to which an exchange of all with all is begun at once; more take turns. */
const atOnce = 12;

export function stepTime(step: Step, sending: Sending = tcpSending): StepTime {
  const { ranks, batch, fixed, perPicture, spread, gradients, statistics } = step;
  const computing = fixed + perPicture * Math.ceil(batch / ranks);
  if (ranks === 1) return { computing, waiting: 0, transfer: 0, messages: 0, total: computing };
  const waiting = spread * computing * expectedMaximum(ranks);
  // Sizes of shares, losses, correct ones; lengths of statistics and these; gradients; whether to stop. Arrays of all ranks are sums.
  const sums = [ranks, batch, ranks, ranks, ranks * statistics, gradients, ranks];
  const costs = sums.map((elements) => sumTime(elements, step, sending));
  const transfer = costs.reduce((all, cost) => all + cost.transfer, 0);
  const messages = costs.reduce((all, cost) => all + cost.messages, 0);
  return { computing, waiting, transfer, messages, total: computing + waiting + transfer + messages };
}

/** Seconds of one sum over all ranks. */
export function sumTime(
  elements: number,
  { ranks, bitsPerSecond, latency }: Network & { readonly ranks: number },
  { perCall, perMessage, perByte, handshake, efficiency, crowding }: Sending = tcpSending,
): Pick<StepTime, 'transfer' | 'messages'> {
  const secondsPerByte = 8 / (bitsPerSecond * efficiency);
  // The word before: recursive doubling.
  const doublings = Math.ceil(Math.log2(ranks));
  let messages = perCall + doublings * (latency + perMessage);
  let transfer = (ranks - 1) * headerLength * secondsPerByte;
  if (elements <= shortLength) return { transfer, messages };
  for (let left = elements; left > 0; left -= bucketLength) {
    const bytes = 4 * segmentLength(Math.min(left, bucketLength), ranks);
    const perRound = latency * (bytes > eagerBytes ? handshake : 1) + perMessage;
    // All with all, at once or in turns; then segments to everybody, from neighbour to neighbour.
    const rounds = (ranks <= atOnce ? 1 : ranks - 1) + Math.max(1, ranks / 2);
    messages += perCall + rounds * perRound + bytes * ranks * perByte;
    transfer += 2 * (ranks - 1) * bytes * secondsPerByte * (ranks > 2 ? crowding : 1);
  }
  return { transfer, messages };
}

/** Mean of the largest of n normal variables of mean 0 and deviation 1: the integral of P(one is larger), less that of P(all are smaller) below 0. */
export function expectedMaximum(n: number): number {
  const [width, end] = [0.01, 800];
  let [below, mean] = [0, 0];
  for (let i = -end; i < end; i++) {
    const density = Math.exp(-(((i + 0.5) * width) ** 2) / 2) / Math.sqrt(2 * Math.PI);
    const allBelow = Math.min(1, below + (density * width) / 2) ** n;
    below += density * width;
    mean += width * (i < 0 ? -allBelow : 1 - allBelow);
  }
  return mean;
}
