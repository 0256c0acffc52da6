import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { type AssumedModel, parseNetwork } from '../../models/index.js';
import { describeCheckpoint } from '../../recognize/network.js';
import {
  fromFloat32,
  type HeadRecord,
  rareHead,
  requireFinite,
  type Tensor,
  toFloat32,
} from '../../safetensors/index.js';
import { amendable, amendModel, readCheckpointFile } from '../checkpoints/index.js';
import { classCounts } from '../datasets/index.js';
import { openInWeightsOrder } from './calibration-pictures.js';

/** Measured on FER+: docs/evaluation.md. */
export const defaultShare = 0.2;

export interface RebalanceOptions {
  /** Split whose pictures say how frequent the classes are: the one that the weights were trained on. */
  readonly split: string;
  /** How much the mean over classes counts beside plain accuracy, above 0 to 1; default 0.2. */
  readonly share?: number;
  /** Which expressions numbered class folders stand for. */
  readonly folderLabels?: LabelSet;
  /** File to write (default: the one that is read). */
  readonly out?: string;
  readonly assumed?: AssumedModel;
}

export interface Rebalanced {
  /** The file that was written. */
  readonly path: string;
  readonly share: number;
  readonly labels: LabelSet;
  /** Pictures of each class. */
  readonly counts: readonly number[];
  /** What each class's probability is multiplied by before the decision. */
  readonly weights: readonly number[];
}

/**
 * What probabilities are multiplied by, so that the class that is then first maximises `1 - share` times accuracy plus
 * `share` times the mean over classes of their recalls, in expectation. A picture of class k that is right counts 1 of n
 * in the former and 1 of (classes * pictures of k) in the latter. With `share` 1 it is logit adjustment with tau 1 (Menon et
 * al., Long-tail learning via logit adjustment, 2021).
 * @throws UserError where a class has no pictures
 */
export function classWeights(counts: readonly number[], share: number, labels: readonly string[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const missing = counts.indexOf(0);
  if (missing >= 0) {
    throw new UserError(
      `There is no picture of ${printable(itemAt(labels, missing))}, so nothing says how frequent it is; use the split that the weights were trained on.`,
      'input',
      { settings: ['split'] },
    );
  }
  return counts.map((count) => 1 - share + (share * total) / (counts.length * count));
}

/**
 * Adds a head that prefers rare classes to a checkpoint: the network's own, its biases moved by the logarithms of
 * {@link classWeights}. Nothing is trained, and no picture is looked at.
 * @param path a safetensors file, or a folder that holds one; calibrated first, if it is to be
 * @throws UserError where checkpoint or data cannot be used, or a class has no pictures.
 */
export async function rebalance(path: string, root: string, options: RebalanceOptions): Promise<Rebalanced> {
  const { split, share = defaultShare, folderLabels, assumed } = options;
  if (!(share > 0 && share <= 1)) {
    throw new UserError(
      `The mean over classes cannot count ${share}; its share lies above 0 and at most at 1.`,
      'usage',
    );
  }
  const file = await amendable(path, options.out);
  const description = await describeCheckpoint(path, assumed);
  const { head } = parseNetwork(description.model, `The network configuration in ${file}`).family;
  const { tensors } = await readCheckpointFile(path, (name) => name === head.weight || name === head.bias);
  const tensorOf = (name: string): Tensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new UserError(`${file} has no ${name}; use another checkpoint.`);
    requireFinite(toFloat32(tensor, name), name, file);
    return tensor;
  };
  const bias = tensorOf(head.bias);
  const { labels } = description;
  const { dataset } = await openInWeightsOrder(labels, root, { split, ...defined({ folderLabels }) });
  const samples = dataset.samples.filter(({ majority }) => majority);
  const counts = classCounts({ ...dataset, samples });
  const weights = classWeights(counts, share, labels.labels);
  // Probabilities are those of logits that are divided by the temperature.
  const temperature = description.temperature?.value ?? 1;
  const moved = toFloat32(bias, head.bias).map((value, k) => value + temperature * Math.log(itemAt(weights, k)));
  const words = `split '${printable(dataset.split)}' of ${labels.name}`;
  const out = options.out ?? file;
  const record = {
    format: 1,
    share,
    dataset: printable(words, 300),
    ...defined<HeadRecord>({ temperature: description.temperature }),
  } as const;
  await amendModel(
    file,
    out,
    { ...description, heads: { ...description.heads, rare: record } },
    new Map([
      [rareHead.weight, tensorOf(head.weight)],
      [rareHead.bias, fromFloat32({ shape: bias.shape, data: moved })],
    ]),
  );
  return { path: out, share, labels, counts, weights };
}
