import type * as Ort from 'onnxruntime-common';
import type { FileSource } from '../common/file-source.js';
import type { ProgressOptions } from '../common/load-progress.js';
import type { Parcel } from '../common/parcel.js';
import type { DecodedImage, DecodeRequest, EncodedImage, SentPictureObject } from '../image/image-source.js';
import type { Checkpoint } from '../safetensors/checkpoint.js';

/** What `onnxruntime-node` and `onnxruntime-web` have in common. */
export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>;

/** What a build of ONNX Runtime is wanted for. */
export interface RuntimeUse {
  readonly device: 'cpu' | 'webgpu';
  /** Of a run on the CPU. Browsers start as many once, for all sessions: the first that is made decides. */
  readonly threads?: number;
}

/**
 * What the core takes from where it runs. Each host has one: `node/host/host.ts`, `web/host/host.ts`. What a part needs is
 * loaded when it is first used.
 */
export interface Host {
  /**
   * This host's build of ONNX Runtime for a device, ready for sessions.
   * @throws UserError (kind `device`) where the host cannot have that device
   */
  loadOrt(use: RuntimeUse): Promise<OrtModule>;
  /**
   * Whether ONNX Runtime must make one session after the other: `onnxruntime-web` forgets the external data of all sessions that are
   * being made once one of them is there.
   */
  readonly makesSessionsInTurn?: boolean;
  /**
   * Whether ONNX Runtime computes in WebAssembly where the device is `cpu`. Kernels of our own are faster there for a network of few
   * channels over large maps.
   */
  readonly cpuIsWebAssembly?: boolean;
  /**
   * Decodes the file of a picture.
   * @throws UserError that says what is wrong with it, or the signal's reason.
   */
  decodeImage(image: EncodedImage, request: DecodeRequest): Promise<DecodedImage>;
  /** What can hold a picture on this host, in words, after "pass". Default: what can on Node. */
  readonly pictureKinds?: string;
  /**
   * How the pixels of a value are read that is a picture on this host alone and no file, such as a page's canvas; undefined for
   * any other value. Reading throws a UserError that says what is wrong with it, or the signal's reason.
   */
  pictureReader(value: unknown): ((request: DecodeRequest) => Promise<DecodedImage>) | undefined;
  /**
   * How a value that `pictureReader` reads goes to another thread of this host, whose `pictureReader` reads what was sent; undefined
   * for any other value. Sending never throws: what is wrong with the picture is sent in its place.
   */
  pictureSender(value: unknown): (() => Promise<Parcel<SentPictureObject>>) | undefined;
  /** Whether a recognizer gets a thread of its own where nothing else is said. */
  readonly startsThreads: boolean;
  /**
   * Opens a checkpoint for as long as it is used.
   * @throws UserError saying what it is instead, or what is wrong with it.
   */
  withCheckpoint<T>(
    source: FileSource,
    use: (checkpoint: Checkpoint) => Promise<T>,
    options?: ProgressOptions,
  ): Promise<T>;
  /**
   * The weights of an expression network that come with the package.
   * @throws UserError where they are missing.
   */
  bundledCheckpoint(options?: ProgressOptions): Promise<FileSource>;
  /** Tells, in a sentence, what is worth knowing about a checkpoint that is used all the same. */
  note(sentence: string): void;
  /**
   * The bytes of the face detector's weights.
   * @param source default: those that come with the package
   * @throws UserError where they are missing.
   */
  detectorWeights(source?: FileSource, options?: ProgressOptions): Promise<Uint8Array>;
}
