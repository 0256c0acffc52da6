import { on } from 'node:events';
import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { itemAt } from '../../common/item-at.js';
import { type ProblemDocument, problemDocument } from '../../service/problem-document.js';
import { cameraOptions } from '../../service/request-options.js';
import { recognizeFrameFiles, type TimedFile } from '../../video/frame-files.js';
import { frameDocument, type VideoFrame } from '../../video/index.js';
import { NewestOnly, noPictureFor } from '../../video/newest-only.js';
import { CameraFrames, followOn } from './camera-frames.js';
import type { Endpoint } from './endpoint.js';
import type { Inference } from './inference.js';
import { checked, detectOf } from './options.js';
import { documentOf, problemOf, RequestProblem } from './problem.js';
import type { CompleteSettings } from './settings.js';
import type { UploadParts } from './uploads.js';

/** Bytes of answers that nobody has read yet. */
const maxUnread = 1024 * 1024;
/** Milliseconds that a camera has to agree to the end of its connection. The server does not stop before that. */
const goodbye = 2000;

const point = z.strictObject({ x: z.number(), y: z.number() });
const probabilities = z.record(z.string(), z.number());
/** What is sent for a frame. */
export const cameraFrame = z.strictObject({
  time: z.number().meta({ description: 'seconds since the connection began' }),
  frame: z
    .int()
    .meta({ description: 'which of the frames that were sent, from 0; those between two results were dropped' }),
  width: z.int(),
  height: z.int(),
  faces: z.array(
    z.strictObject({
      id: z.int().meta({ description: 'the same for a face in all frames' }),
      box: z.strictObject({ ...point.shape, width: z.number(), height: z.number() }),
      keypoints: z.record(z.string(), point).nullable(),
      detectionScore: z.number().nullable(),
      expression: z.string(),
      probability: z.number(),
      scores: probabilities,
      smoothed: probabilities,
      lowContrast: z.boolean(),
    }),
  ),
});

/** A frame as it came. */
interface SentFrame {
  readonly bytes: Buffer;
  readonly time: number;
  readonly frame: number;
}

/** Cameras that send their frames over a connection each. Of frames that come too fast the newest counts. */
export class Cameras {
  readonly #inference: Inference;
  readonly #uploads: UploadParts;
  readonly #settings: CompleteSettings;
  readonly #open = new Set<WebSocket>();

  constructor(inference: Inference, uploads: UploadParts, settings: CompleteSettings) {
    this.#inference = inference;
    this.#uploads = uploads;
    this.#settings = settings;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Ends all connections. */
  close(): void {
    for (const socket of this.#open) end(socket, 1001, 'The server is stopping.');
  }

  endpoint(): Endpoint {
    return {
      method: 'GET',
      path: '/v1/camera',
      summary: 'A WebSocket for the frames of one camera',
      description:
        'Send each frame as a binary message: the file of a picture. An answer is a text message of JSON: what a frame shows, or a problem. Faces are tracked and their scores smoothed. Frames that come faster than they are looked at are dropped.',
      query: cameraOptions,
      answer: { 'application/json': z.union([cameraFrame, problemDocument]) },
      problems: [
        'bad-request',
        'unauthorized',
        'forbidden',
        'invalid-options',
        'upgrade-needed',
        'loading',
        'draining',
        'overloaded',
      ],
      guard: 'camera',
      handler: async ({ query }, reply) => {
        checked(cameraOptions, query);
        reply.header('upgrade', 'websocket');
        throw new RequestProblem('upgrade-needed', 'This address takes frames over a WebSocket; connect with one.');
      },
      socket: (socket, request) => {
        this.#serve(socket, request).catch((error: unknown) => request.log.error({ err: error }, 'a camera'));
      },
    };
  }

  async #serve(socket: WebSocket, request: FastifyRequest): Promise<void> {
    const stop = new AbortController();
    socket.once('close', () => stop.abort(new Error('the camera has left')));
    // From the first message on: it may be here before anything is checked.
    const messages = on(socket, 'message', { signal: stop.signal });
    // Such as a message that is too long, with a code of its own.
    socket.on('error', () => end(socket));
    const send = (document: unknown): void => {
      if (socket.bufferedAmount > maxUnread) throw new RequestProblem('request-timeout', 'The answers are not read.');
      socket.send(JSON.stringify(document));
    };
    const documentFor = (error: unknown): ProblemDocument => {
      const problem = problemOf(error);
      if (problem.problem === 'internal' && !isOfFrames(error)) request.log.error({ err: error }, 'a defect');
      return documentOf(problem, request.id);
    };
    const tell = (error: unknown): void => send(documentFor(error));
    this.#open.add(socket);
    try {
      if (this.#open.size > this.#settings.maxCameras) {
        const many = `No more cameras than ${this.#settings.maxCameras} are accepted at a time; try again later.`;
        throw new RequestProblem('overloaded', many);
      }
      const { smooth, ...options } = checked(cameraOptions, request.query);
      // A frame that does not come to its end, and none at all, count as a camera that is gone.
      const patience = this.#settings.slow * 1000;
      const late = (seconds: number): Error => new RequestProblem('request-timeout', noPictureFor(seconds));
      const newest = new NewestOnly(sentFrames(messages), patience, { late });
      const frames = new CameraFrames(this.#usable(newest, stop.signal, tell));
      const follow = (): AsyncIterable<PromiseSettledResult<VideoFrame>> =>
        recognizeFrameFiles(this.#inference.recognizer, frames.once(), {
          detect: detectOf(options, this.#settings.maxFaces),
          ...(smooth === undefined ? {} : { smooth }),
          live: true,
          signal: stop.signal,
        });
      await followOn(frames, follow, (result) => {
        if (result.status === 'rejected') tell(result.reason);
        else {
          this.#inference.count(result.value.faces.length);
          send(frameDocument(result.value));
        }
      });
      end(socket, 1000);
    } catch (error) {
      if (stop.signal.aborted) return;
      socket.send(JSON.stringify(documentFor(error)));
      end(socket, problemOf(error).problem === 'internal' ? 1011 : 1008);
    } finally {
      // Until the client closes too, messages may come; nobody reads them.
      stop.abort();
      this.#open.delete(socket);
    }
  }

  /** Frames within the limits; one that is not is told and left out. */
  async *#usable(
    frames: AsyncIterable<SentFrame>,
    signal: AbortSignal,
    tell: (error: unknown) => void,
  ): AsyncGenerator<TimedFile, void, void> {
    for await (const { bytes, time, frame } of frames) {
      try {
        const { bodies, limits } = this.#uploads;
        const read = await bodies.read('pictures', bytes, { form: 'file', limits }, signal);
        const sent = itemAt(read.pictures, 0);
        const refusal = this.#inference.refusal(sent, `Frame ${frame}`);
        if (refusal !== undefined) throw refusal;
        yield { time, frame, picture: sent.bytes };
      } catch (error) {
        if (signal.aborted) throw error;
        tell(error);
      }
    }
  }
}

/** Ends a connection, whether the client agrees or not. One that is being closed already keeps its code. */
function end(socket: WebSocket, code?: number, reason?: string): void {
  socket.close(code, reason);
  setTimeout(() => socket.terminate(), goodbye).unref();
}

/** The frames that a client sends, as they come. */
async function* sentFrames(messages: AsyncIterable<unknown[]>): AsyncGenerator<SentFrame, void, void> {
  const begun = performance.now();
  let frame = 0;
  for await (const [data, isBinary] of messages) {
    if (isBinary !== true || !Buffer.isBuffer(data)) {
      throw new RequestProblem('bad-request', 'A message is text; send each frame as a binary message.');
    }
    yield { bytes: data, time: (performance.now() - begun) / 1000, frame: frame++ };
  }
}

/** Whether a client's frames are at fault: those that are none, or too many pieces. `ws` has ended the connection with its code by then. */
const isOfFrames = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('WS_ERR_');
