import * as z from 'zod';
import { entryOf, itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import type { Picture } from '../../image/resize.js';
import type { Score } from '../../recognize/index.js';
import type { InferInput } from './infer-request.js';
import type { Inference } from './inference.js';
import { RequestProblem } from './problem.js';

// The Open Inference Protocol, version 2, with its extension of binary tensors: what clients of Triton and KServe speak.

/** The one version of a model: another one is another server. */
export const modelVersion = '1';

const name = z.string().min(1).max(200);
const outputTensor = z.strictObject({
  name,
  shape: z.array(z.int()),
  datatype: z.string(),
  parameters: z.strictObject({ binary_data_size: z.int() }).optional(),
  data: z.array(z.union([z.number(), z.string()])).optional(),
});
export const inferResponse = z.strictObject({
  model_name: name,
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(outputTensor),
});

const tensor = z.strictObject({ name, datatype: z.string(), shape: z.array(z.int()) });
export const modelMetadata = z.strictObject({
  name,
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensor),
  outputs: z.array(tensor),
  parameters: z.strictObject({ labels: z.array(z.string()) }),
});
export const serverMetadata = z.strictObject({ name, version: z.string(), extensions: z.array(z.string()) });

/** What the model takes and gives. */
export function describeModel({ model, recognizer }: Inference): z.input<typeof modelMetadata> {
  const { labels, preprocessing } = recognizer.classifier;
  const { imageSize, channels } = preprocessing;
  const classes = labels.labels.length;
  return {
    name: model,
    versions: [modelVersion],
    platform: 'poster_v2',
    inputs: [{ name: 'crops', datatype: 'UINT8', shape: [-1, imageSize, imageSize, channels] }],
    outputs: [
      { name: 'probabilities', datatype: 'FP32', shape: [-1, classes] },
      { name: 'logits', datatype: 'FP32', shape: [-1, classes] },
      { name: 'expression', datatype: 'BYTES', shape: [-1] },
    ],
    parameters: { labels: [...labels.labels] },
  };
}

/** The face crops that a request brings. @throws RequestProblem where they are not what the model takes */
export function cropsOf({ request, values }: InferInput, inference: Inference, most: number): Picture[] {
  const { imageSize, channels } = inference.recognizer.classifier.preprocessing;
  const given = itemAt(request.inputs, 0);
  const [n = 0, ...rest] = given.shape;
  const wanted = `UINT8 [n, ${imageSize}, ${imageSize}, ${channels}] named crops`;
  if (given.name !== 'crops' || given.datatype !== 'UINT8' || rest.join() !== [imageSize, imageSize, channels].join()) {
    const what = `${printable(given.datatype)} [${given.shape.join(', ')}] named ${printable(given.name)}`;
    throw new RequestProblem('invalid-options', `The input is ${what}; the model takes ${wanted}.`);
  }
  if (n < 1) throw new RequestProblem('invalid-options', 'The input has no crop; send one or more.');
  if (n > most) {
    throw new RequestProblem(
      'too-large',
      `The input has ${n} crops, more than the ${most} that are accepted; send fewer.`,
    );
  }
  const size = imageSize * imageSize * channels;
  if (values.length !== n * size) {
    throw new RequestProblem(
      'invalid-options',
      `The input has ${values.length} values, not the ${n * size} of its shape.`,
    );
  }
  return Array.from({ length: n }, (_, i) => ({
    width: imageSize,
    height: imageSize,
    channels,
    data: values.subarray(i * size, (i + 1) * size),
  }));
}

/** An answer: JSON, and bytes that follow it where they were asked for. */
export interface InferAnswer {
  readonly document: z.input<typeof inferResponse>;
  readonly binary: Buffer | undefined;
}

const outputNames: readonly string[] = ['probabilities', 'logits', 'expression'];
/** Of outputs, which change what an answer holds or where it goes. */
const unknownParameters: readonly string[] = ['classification', 'shared_memory_region'];

/** Before anything is computed. @throws RequestProblem for outputs that there are not */
export function checkOutputs({ request: { outputs = [] } }: InferInput): void {
  for (const { name: asked, parameters = {} } of outputs) {
    if (!outputNames.includes(asked)) {
      throw new RequestProblem(
        'invalid-options',
        `There is no output ${printable(asked)}; there are ${outputNames.join(', ')}.`,
      );
    }
    const unknown = unknownParameters.find((parameter) => Object.hasOwn(parameters, parameter));
    if (unknown !== undefined) {
      throw new RequestProblem(
        'invalid-options',
        `The parameter ${unknown} of the output ${asked} is not known here; leave it out.`,
      );
    }
  }
}

/** @param input whose outputs were checked */
export function inferAnswer(
  { request }: InferInput,
  scores: readonly (readonly Score[])[],
  { model, recognizer }: Inference,
): InferAnswer {
  const { labels } = recognizer.classifier.labels;
  const n = scores.length;
  const floats = (field: 'probability' | 'logit'): number[] =>
    scores.flatMap((row) => {
      const byLabel = new Map(row.map((score) => [score.label, score[field]]));
      return labels.map((label) => entryOf(byLabel, label));
    });
  const all: ReadonlyMap<string, () => Computed> = new Map<string, () => Computed>([
    ['probabilities', () => ({ datatype: 'FP32', shape: [n, labels.length], data: floats('probability') })],
    ['logits', () => ({ datatype: 'FP32', shape: [n, labels.length], data: floats('logit') })],
    ['expression', () => ({ datatype: 'BYTES', shape: [n], data: scores.map((row) => itemAt(row, 0).label) })],
  ]);
  const asked = request.outputs ?? [...all.keys()].map((one) => ({ name: one, parameters: undefined }));
  const pieces: Buffer[] = [];
  const outputs = asked.map((one) => {
    const computed = entryOf(all, one.name)();
    const { data, ...about } = computed;
    const isBinary = one.parameters?.['binary_data'] ?? request.parameters?.['binary_data_output'];
    if (isBinary !== true) return { name: one.name, ...about, data };
    const bytes = bytesOf(computed);
    pieces.push(bytes);
    return { name: one.name, ...about, parameters: { binary_data_size: bytes.length } };
  });
  const id = request.id === undefined ? {} : { id: request.id };
  return {
    document: { model_name: model, model_version: modelVersion, ...id, outputs },
    binary: pieces.length === 0 ? undefined : Buffer.concat(pieces),
  };
}

interface Computed {
  readonly datatype: 'FP32' | 'BYTES';
  readonly shape: number[];
  readonly data: (number | string)[];
}

/** Values in little-endian order; texts with their length before them. */
function bytesOf({ datatype, data }: Computed): Buffer {
  if (datatype === 'FP32') {
    const bytes = Buffer.alloc(data.length * 4);
    data.forEach((value, i) => {
      bytes.writeFloatLE(Number(value), i * 4);
    });
    return bytes;
  }
  return Buffer.concat(
    data.map((value) => {
      const text = Buffer.from(String(value));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      return Buffer.concat([length, text]);
    }),
  );
}
