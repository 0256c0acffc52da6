import { host } from '#host';
import { defined } from '../common/defined.js';
import type { FileSource } from '../common/file-source.js';
import type { LabelSet } from '../common/labels.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { buildInference } from '../models/index.js';
import type { ModelDescription, Preference } from '../safetensors/index.js';
import type { Classified } from './classified.js';
import { type KernelOptions, type NetworkOptions, noteAlone, openNetwork } from './network.js';
import { tempered } from './tempered.js';

export interface ClassifierOptions extends NetworkOptions {
  /**
   * Where the logits of the published code depend on the pictures that are classified together, let them, as its figures
   * were measured (default false: a picture's logits are its own).
   */
  readonly acrossBatch?: boolean;
}

/** A network with its weights, ready to recognise. */
export interface Classifier {
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
  readonly description: ModelDescription;
  /** Which head decides; left out: the network's own. */
  readonly prefer?: Preference;
  /** What of the pictures that are classified together each one's logits depend on; left out: they are its own. */
  readonly acrossBatch?: string;
  /** Threads of a run, where kernels of our own run the network: 1. Left out: ONNX Runtime does, on those that it was told. */
  readonly threads?: number;
  /**
   * @param images [n, C, S, S], preprocessed (`loadPicture`)
   * @param n pictures, at least 1; any number, memory permitting
   */
  classify(images: Float32Array, n: number): Promise<Classified>;
  dispose(): Promise<void>;
}

/**
 * Loads a checkpoint for inference.
 *
 * @throws UserError where the file cannot be read, does not say what it is, or holds another network than it says, or
 * where the device is not there.
 */
export async function loadClassifier(source: FileSource, options: ClassifierOptions = {}): Promise<Classifier> {
  const { acrossBatch = false, ...rest } = options;
  // By its type: a name that networks do not know is found by the compiler.
  const own: NetworkOptions & KernelOptions = { ...rest, kernels: host.cpuIsWebAssembly ?? false };
  const { description, network, temperature, threads, run, dispose } = await host.withCheckpoint(
    source,
    (checkpoint) => openNetwork(checkpoint, own, (found) => buildInference(found, { acrossBatch })),
    options,
  );
  if (!acrossBatch) noteAlone(network);
  return {
    labels: description.labels,
    preprocessing: description.preprocessing,
    description,
    ...defined<Classifier>({
      prefer: options.prefer,
      acrossBatch: acrossBatch ? network.family.acrossBatch : undefined,
      threads,
    }),
    async classify(images, n) {
      const outputs = await run(images, n);
      const raw = { logits: outputs('logits'), probabilities: outputs('probabilities') };
      return temperature === undefined ? raw : tempered(raw.logits, description.labels.labels.length, temperature);
    },
    dispose,
  };
}
