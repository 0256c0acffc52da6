import type { Picture } from 'poster-v2';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface PictureCanvasProps {
  readonly picture: Picture;
  /** What it shows, for screen readers. */
  readonly label: string;
  /** Whether its pixels stay squares when it is enlarged. */
  readonly pixelated?: boolean;
}

/** Decoded pixels, as large as its place. */
export function PictureCanvas({ picture, label, pixelated = false }: PictureCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(imageData(picture), 0, 0);
  }, [picture]);
  return (
    <canvas
      ref={canvas}
      class={pixelated ? 'pixels pixels-square' : 'pixels'}
      width={picture.width}
      height={picture.height}
      role="img"
      aria-label={label}
    />
  );
}

/** RGB or gray as a canvas takes it. */
export function imageData({ width, height, channels, data }: Picture): ImageData {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const at = i * channels;
    image.data.set(channels === 1 ? [data[at] ?? 0, data[at] ?? 0, data[at] ?? 0] : data.subarray(at, at + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  return image;
}
