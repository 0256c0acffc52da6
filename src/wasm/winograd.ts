// 3x3 convolutions by Winograd's tiles: graph-kernels.as.

import { itemAt } from '../common/item-at.js';
import type { MemoryPlanner } from './memory-planner.js';
import { vector } from './pack.js';
import { contiguousView, sliced, type View } from './views.js';

const floatBytes = 4;
/** Inputs of a tile, and products. */
export const points = 16;
/** What tiles that pass together take of memory, at most: their numbers stay in the second cache. */
const maxBytes = 320 * 1024;
/** With fewer channels the tiles take longer than they save. */
const fewestChannels = 16;

/** Weights at each point, and what the sums are stored with. */
export interface WinogradWeights {
  readonly points: readonly number[];
  readonly bias: number;
  readonly slopes: number;
}

/** Whether a 3x3 convolution is made by tiles: those of stride 1 whose sides are even. */
export function usesWinograd(
  {
    kernel,
    stride,
    pads,
    groups,
  }: { readonly kernel: number; readonly stride: number; readonly pads: readonly number[]; readonly groups: number },
  channels: readonly number[],
  sides: readonly (number | string | undefined)[],
): boolean {
  const isPlain = kernel === 3 && stride === 1 && groups === 1 && pads.every((pad) => pad === 1);
  return (
    isPlain &&
    channels.every((count) => count >= fewestChannels && count % vector === 0) &&
    sides.every((side) => Number(side) % 2 === 0)
  );
}

/**
 * @param corner the first pixels of the windows, zeros included
 * @param other what is added, the channels of a pixel together
 */
export function winogradConvolution(
  planner: MemoryPlanner,
  { points: weights, bias, slopes }: WinogradWeights,
  corner: View,
  other: View | undefined,
  out: View,
): void {
  const [n = 1, outputs = 1, height = 1, width = 1] = out.dims;
  const inputs = itemAt(corner.dims, 1);
  const tiles = (n * height * width) / 4;
  const together = Math.max(
    vector,
    Math.floor(maxBytes / (points * (inputs + outputs) * floatBytes * vector)) * vector,
  );
  const most = Math.min(together, Math.ceil(tiles / vector) * vector);
  const read = contiguousView([points, most, inputs]);
  const sums = contiguousView([points, most, outputs]);
  const ofTiles = (view: View): View => sliced(sliced(view, 2, 0, height / 2, 2), 3, 0, width / 2, 2);
  const steps = (view: View): readonly [row: number, pixel: number] => [
    itemAt(view.strides, 2) * floatBytes,
    itemAt(view.strides, 3) * floatBytes,
  ];
  planner.add([corner, other], [out, read, sums], ({ kernels, address, table }) => {
    const pixelAxes = [0, 2, 3];
    const [at, from] = [address(corner), table(ofTiles(corner), pixelAxes)];
    const [target, to] = [address(out), table(ofTiles(out), pixelAxes)];
    const [added, residualOffsets] = other === undefined ? [0, 0] : [address(other), table(ofTiles(other), pixelAxes)];
    const residualSteps = other === undefined ? ([0, 0] as const) : steps(other);
    const [fromRows, toRows] = [table(read, [1]), table(sums, [1])];
    const [patches, results] = [address(read), address(sums)];
    const [patchPlane, resultPlane] = [most * inputs * floatBytes, most * outputs * floatBytes];
    const rowBytes = inputs * floatBytes;
    return () => {
      for (let done = 0; done < tiles; done += most) {
        const count = Math.min(most, tiles - done);
        const skip = done * Uint32Array.BYTES_PER_ELEMENT;
        kernels.winogradInput(at, from + skip, count, ...steps(corner), inputs, patches, patchPlane);
        for (const [point, panel] of weights.entries()) {
          const place = [patches + point * patchPlane, fromRows, count, 1, rowBytes, rowBytes] as const;
          kernels.product(...place, panel, outputs, results + point * resultPlane, toRows, 0, 0);
        }
        const kept = [
          target,
          to + skip,
          ...steps(out),
          added,
          other === undefined ? 0 : residualOffsets + skip,
          ...residualSteps,
        ] as const;
        kernels.winogradOutput(results, resultPlane, count, outputs, bias, slopes, ...kept);
      }
    };
  });
}
