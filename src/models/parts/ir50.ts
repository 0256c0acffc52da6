/*
 * IR-50, the "improved residual" network of ArcFace (Deng et al., arXiv 1801.07698, section 3.2), as in face.evoLVe
 * and in the reference code of POSTER V2: BatchNorm before the first convolution of a unit, PReLU between the two, the
 * stride in the second.
 * Deviations: only the first three of four stages, and no embedding head (POSTER V2 calls neither); the shortcut
 * MaxPool2d(1, stride) is written as what it does, a strided slice.
 */
import { itemAt } from '../../common/item-at.js';
import type { Tensor } from '../../graph/index.js';
import { batchNorm, conv2d, prelu, type Scope, subsample } from '../../nn/index.js';
import { add } from '../../ops/index.js';

export interface Ir50Config {
  /** Channels after the first convolution. */
  readonly stem: number;
  /** Each begins with a unit of stride 2. Published: 64, 128, 256 channels with 3, 4, 14 units. */
  readonly stages: readonly { readonly channels: number; readonly units: number }[];
}

/** What the units are called: those of each stage by themselves, as `body2.0`, or all in one sequence, as `body.3`. */
export type Ir50Names = 'stages' | 'sequence';

/** Images [N, C, S, S] -> the maps after each stage, [N, channels, S / 2, S / 2], then S / 4, ... */
export function ir50(scope: Scope, images: Tensor, config: Ir50Config, names: Ir50Names = 'stages'): Tensor[] {
  const stem = scope.at('input_layer');
  let x = conv2d(stem.at(0), images, { channels: config.stem, kernel: 3, padding: 1, bias: false });
  x = prelu(stem.at(2), batchNorm(stem.at(1), x));
  let before = 0;
  return config.stages.map(({ channels, units }, stage) => {
    const body = scope.at(names === 'stages' ? `body${stage + 1}` : 'body');
    const first = names === 'stages' ? 0 : before;
    for (let unit = 0; unit < units; unit++) x = bottleneck(body.at(first + unit), x, channels, unit === 0 ? 2 : 1);
    before += units;
    return x;
  });
}

/** The published sizes, without the fourth stage. */
export const publishedIr50: Ir50Config = {
  stem: 64,
  stages: [
    { channels: 64, units: 3 },
    { channels: 128, units: 4 },
    { channels: 256, units: 14 },
  ],
};

/** Small numbers, for gray crops of 48 pixels. */
export const nanoIr50: Ir50Config = {
  stem: 32,
  stages: [
    { channels: 32, units: 2 },
    { channels: 64, units: 3 },
    { channels: 128, units: 4 },
  ],
};

/** A tensor of an IR-50 called as `names` say, whichever way it is called now: `body.3.` is `body2.0.`; others as they are. */
export function ir50Name(name: string, names: Ir50Names): string {
  const [, stageText = '', unitText = '', rest = ''] = /^body([123]?)\.(\d{1,2})(\..*)$/s.exec(name) ?? [];
  if (unitText === '') return name;
  const starts = [0, 3, 7, 21] as const;
  const given = Number(unitText) + (stageText === '' ? 0 : itemAt(starts, Number(stageText) - 1));
  if (names === 'sequence') return `body.${given}${rest}`;
  const stage = starts.findLastIndex((start) => start <= given);
  return stage > 2 ? name : `body${stage + 1}.${given - itemAt(starts, stage)}${rest}`;
}

/** [N, I, H, W] -> [N, channels, H / stride, W / stride]. */
function bottleneck(scope: Scope, x: Tensor, channels: number, stride: number): Tensor {
  let shortcut = subsample(x, stride);
  if (x.shape[1] !== channels) {
    const layer = scope.at('shortcut_layer');
    shortcut = batchNorm(layer.at(1), conv2d(layer.at(0), x, { channels, kernel: 1, stride, bias: false }));
  }
  const layer = scope.at('res_layer');
  let y = conv2d(layer.at(1), batchNorm(layer.at(0), x), { channels, kernel: 3, padding: 1, bias: false });
  y = conv2d(layer.at(3), prelu(layer.at(2), y), { channels, kernel: 3, stride, padding: 1, bias: false });
  return add(batchNorm(layer.at(4), y), shortcut);
}
