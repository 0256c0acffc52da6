// 3x3 convolutions by Winograd's tiles: graph-kernels.as.
//
// What is not a number stays within the windows that read it, as in ONNX Runtime, although a tile mixes its 4x4 pixels: of four pixels in a
// row the first is a part of the first point alone, the last of the last, and either output is made of just the points that its own three
// pixels are parts of. Within those windows infinities may come out as no numbers, being subtracted from each other; never as finite ones.
// Larger tiles (4x4 outputs) would not have this.

import { itemAt } from '../common/item-at.js';
import type { MemoryPlanner } from './memory-planner.js';
import { floatBytes, roundedUp, vector } from './pack.js';
import { contiguousView, mapDims, mapSteps, pixelAxes, sliced, type View } from './views.js';

/** Inputs of a tile, and products. */
export const points = 16;
/** What tiles that pass together take of memory, at most: they stay in the L2 cache. */
const maxBytes = 320 * 1024;
/** With fewer channels the tiles take longer than they save. */
const fewestChannels = 16;

/** Where the weights of each point lie, and what the sums are stored with. */
export interface WinogradWeights {
  readonly points: readonly number[];
  readonly bias: number;
  readonly slopes: number;
}

/** Whether a convolution without groups is made by tiles: 3x3 ones of stride 1 whose sides are even. */
export function usesWinograd(
  { kernel, stride, pads }: { readonly kernel: number; readonly stride: number; readonly pads: readonly number[] },
  channels: readonly number[],
  sides: readonly (number | string | undefined)[],
): boolean {
  const isPlain = kernel === 3 && stride === 1 && pads.every((pad) => pad === 1);
  return (
    isPlain &&
    channels.every((count) => count >= fewestChannels && count % vector === 0) &&
    sides.every((side) => Number(side) % 2 === 0)
  );
}

/**
 * @param windows their first pixels, in the padded input
 * @param other what is added, the channels of a pixel together
 */
export function winogradConvolution(
  planner: MemoryPlanner,
  { points: weights, bias, slopes }: WinogradWeights,
  windows: View,
  other: View | undefined,
  out: View,
): void {
  const [n, outputs, height, width] = mapDims(out.dims);
  const inputs = itemAt(windows.dims, 1);
  const tiles = (n * height * width) / 4;
  const most = Math.min(tilesAtOnce(inputs, outputs), roundedUp(tiles));
  const read = contiguousView([points, most, inputs]);
  const sums = contiguousView([points, most, outputs]);
  const [inputSteps, outputSteps] = [mapSteps(windows), mapSteps(out)];
  const addedSteps = other === undefined ? ([0, 0] as const) : mapSteps(other);
  const rowBytes = inputs * floatBytes;
  const [readPlane, sumsPlane] = [most * inputs * floatBytes, most * outputs * floatBytes];
  planner.add([windows, other], [out, read, sums], ({ kernels, address, table }) => {
    const [input, inputOffsets] = [address(windows), table(firstOfTiles(windows), pixelAxes)];
    const [output, outputOffsets] = [address(out), table(firstOfTiles(out), pixelAxes)];
    const [added, addedOffsets] =
      other === undefined ? [0, 0] : [address(other), table(firstOfTiles(other), pixelAxes)];
    const [readRows, sumsRows] = [table(read, [1]), table(sums, [1])];
    const [readAt, sumsAt] = [address(read), address(sums)];
    return () => {
      for (let done = 0; done < tiles; done += most) {
        const count = Math.min(most, tiles - done);
        const skip = done * Uint32Array.BYTES_PER_ELEMENT;
        kernels.winogradInput(input, inputOffsets + skip, count, ...inputSteps, inputs, readAt, readPlane);
        for (const [point, panel] of weights.entries()) {
          const rows = [readAt + point * readPlane, readRows, count, 1, rowBytes, rowBytes] as const;
          kernels.product(...rows, panel, outputs, sumsAt + point * sumsPlane, sumsRows, 0, 0);
        }
        const to = [output, outputOffsets + skip, ...outputSteps] as const;
        const from = [added, other === undefined ? 0 : addedOffsets + skip, ...addedSteps] as const;
        kernels.winogradOutput(sumsAt, sumsPlane, count, outputs, bias, slopes, ...to, ...from);
      }
    };
  });
}

/** A multiple of 4. */
function tilesAtOnce(inputs: number, outputs: number): number {
  const bytes = points * (inputs + outputs) * floatBytes;
  return Math.max(vector, Math.floor(maxBytes / (bytes * vector)) * vector);
}

/** The first pixel of each tile of 2x2. */
function firstOfTiles(map: View): View {
  const [, , height, width] = mapDims(map.dims);
  return sliced(sliced(map, 2, 0, height / 2, 2), 3, 0, width / 2, 2);
}
