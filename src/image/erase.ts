import type { Random } from '../common/random.js';
import type { Erasing } from './augmentation.js';
import type { InputFormat } from './input-format.js';

/** torchvision's RandomErasing: up to ten tries for a box that fits, else nothing. */
export function erase(out: Float32Array, offset: number, format: InputFormat, erasing: Erasing, stream: Random): void {
  if (stream.next() >= erasing.probability) return;
  const { size, channels } = format;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = size * size * stream.uniform(erasing.scale[0], erasing.scale[1]);
    const ratio = Math.exp(stream.uniform(Math.log(erasing.ratio[0]), Math.log(erasing.ratio[1])));
    const height = Math.round(Math.sqrt(area * ratio));
    const width = Math.round(Math.sqrt(area / ratio));
    if (height >= size || width >= size) continue;
    const top = stream.int(size - height + 1);
    const left = stream.int(size - width + 1);
    for (let c = 0; c < channels; c++) {
      for (let y = top; y < top + height; y++) {
        const row = offset + (c * size + y) * size + left;
        out.fill(0, row, row + width);
      }
    }
    return;
  }
}
