import { imageDataOf, type Picture } from 'poster-v2';
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
    canvas.current?.getContext('2d')?.putImageData(imageDataOf(picture), 0, 0);
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
