// Makes assets/astronaut-face.png from assets/astronaut.png: a face crop framed as FER's pictures are, found by eye.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const asset = (name) => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));

/** Brow to chin, in pixels of the portrait. */
const face = { left: 166, top: 70, width: 114, height: 114 };

await sharp(asset('astronaut.png'))
  .extract(face)
  .removeAlpha()
  .resize(224, 224, { kernel: 'lanczos3' })
  .png({ compressionLevel: 9 })
  .toFile(asset('astronaut-face.png'));
