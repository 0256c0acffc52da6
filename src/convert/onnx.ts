import { checkOptions, type OptionRules } from '../common/check-options.js';
import { halfBits } from '../common/half.js';
import { itemAt } from '../common/item-at.js';
import type { LabelSet } from '../common/labels.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { constant, type Graph, graph, input, type Tensor } from '../graph/index.js';
import { buildInference, type ConfiguredNetwork } from '../models/index.js';
import { createScope } from '../nn/index.js';
import { onnxChunks } from '../onnx/index.js';
import { add, div, floor, mul, reduceSum, sub } from '../ops/index.js';
import { forOpset, lower, slopesOf, withHalfWeights, withoutPRelus } from '../passes/index.js';
import type { FloatArray } from '../safetensors/index.js';
import { fitsHalf, type Precision } from '../safetensors/index.js';
import { anOpset, aPrecision } from './option-rules.js';

/** What becomes an ONNX model. */
export interface OnnxSource {
  readonly network: ConfiguredNetwork;
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
  readonly parameters: ReadonlyMap<string, FloatArray>;
}

export interface OnnxOptions {
  /** One of the writer's `opsets`; default 21. */
  readonly opset?: number;
  /** `F16` stores matrices and kernels in half precision and computes in float32. */
  readonly precision?: Precision;
  /**
   * `own` (default): pixel_values [batch_size, C, S, S] as the network takes them -> logits, probabilities.
   * `hugging-face`: always RGB, of which a gray network makes gray inside -> logits.
   */
  readonly form?: 'own' | 'hugging-face';
}

const rules: OptionRules<OnnxOptions> = {
  opset: anOpset,
  precision: aPrecision,
  form: { holds: (value) => value === 'own' || value === 'hugging-face', wanted: 'own or hugging-face' },
};

/**
 * A network and its weights as one ONNX file for any runtime: standard operations only, the batch size free. The file
 * comes in pieces, so that no weights are copied.
 * @throws UserError where the weights are more than an ONNX file can hold; (kind `usage`) for options that cannot be
 */
export function toOnnx(source: OnnxSource, options: OnnxOptions = {}): Uint8Array[] {
  checkOptions(options, rules, 'toOnnx');
  const { opset = 21, precision = 'F32', form = 'own' } = options;
  const { network, parameters, labels, preprocessing } = source;
  const program = form === 'own' ? buildInference(network).graph : rgbClassifier(network, preprocessing);
  const valuesOf = (name: string): FloatArray => {
    const found = parameters.get(name);
    if (found === undefined) throw new Error(`there are no values for ${name}`);
    return found;
  };
  const isHalf = (name: string): boolean => precision === 'F16' && fitsHalf(valuesOf(name));
  const fast = withoutPRelus(program, gentleSlopes(program, parameters));
  return onnxChunks(forOpset(lower(withHalfWeights(fast, isHalf), 'webgpu'), opset), {
    opset,
    batch: 'batch_size',
    placement: (name) => {
      const { data } = valuesOf(name);
      return isHalf(name) ? halfBits(data) : data;
    },
    // What programs need that have nothing but this file.
    metadata: {
      labels: JSON.stringify(labels.labels),
      label_set: labels.name,
      preprocessing: JSON.stringify(form === 'own' ? preprocessing : rgbPreprocessing(preprocessing)),
    },
  });
}

/** Slopes of PReLUs that are nowhere above 1, as those of all published weights are. */
function gentleSlopes(program: Graph, parameters: OnnxSource['parameters']): Set<string> {
  const gentle = (name: string): boolean => parameters.get(name)?.data.every((value) => value <= 1) === true;
  return new Set(slopesOf(program).filter(gentle));
}

/** ITU-R 601 of bytes, in 65536ths, as Pillow's `convert('L')` and `toLuma` here. */
const lumaWeights = [19595, 38470, 7471] as const;

/** RGB in, logits out. */
function rgbClassifier(network: ConfiguredNetwork, preprocessing: Preprocessing): Graph {
  const { imageSize, inputChannels } = network.config;
  const images = input('pixel_values', 'float32', ['N', 3, imageSize, imageSize]);
  const planes = inputChannels === 3 ? images : luma(images, preprocessing);
  return graph({ logits: network.build(createScope({ mode: 'inference' }), planes) });
}

/**
 * Normalised gray of normalised RGB, rounded to a byte like the gray pictures that the network was trained on: all sums
 * are whole numbers below 2^24, which float32 has exactly.
 */
function luma(images: Tensor, { mean: [mean = 0], std: [std = 1] }: Preprocessing): Tensor {
  const rounded = (x: Tensor): Tensor => floor(add(x, 0.5));
  const bytes = rounded(add(mul(images, 255 * std), 255 * mean));
  const weights = constant('float32', Float32Array.from(lumaWeights), [1, 3, 1, 1]);
  const gray = rounded(div(reduceSum(mul(bytes, weights), [1], true), 65536));
  return div(sub(div(gray, 255), mean), std);
}

/** How a picture becomes what a graph of the form `hugging-face` takes. */
export function rgbPreprocessing({ imageSize, channels, mean, std }: Preprocessing): Preprocessing {
  const repeat = (values: readonly number[]): readonly number[] =>
    channels === 3 ? values : lumaWeights.map(() => itemAt(values, 0));
  return { imageSize, channels: 3, mean: repeat(mean), std: repeat(std) };
}
