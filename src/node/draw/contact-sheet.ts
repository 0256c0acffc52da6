import sharp, { type OverlayOptions } from 'sharp';
import { svgText } from '../../draw/svg-text.js';
import type { Picture } from '../../image/index.js';

export interface ContactSheet {
  readonly title: string;
  readonly subtitle: string;
  readonly tiles: readonly { readonly picture: Picture; readonly caption: string }[];
}

/** In pixels. */
const layout = { tile: 112, gap: 12, margin: 24, header: 68, caption: 20, columns: 8 };
/** Characters of 9 pixels that fit below a tile. */
const captionLength = 20;

/**
 * Small pictures in rows with their captions, as a PNG. Pictures keep their proportions.
 */
export async function contactSheet({ title, subtitle, tiles }: ContactSheet): Promise<Buffer> {
  const { tile, gap, margin, header, caption, columns } = layout;
  const rows = Math.max(1, Math.ceil(tiles.length / columns));
  const width = 2 * margin + columns * (tile + gap) - gap;
  const height = header + rows * (tile + caption + gap) + margin;
  const texts = [
    svgText(margin, 34, title, { size: 18, weight: 600 }),
    svgText(margin, 54, subtitle, { size: 12, fill: '#5b6068' }),
  ];
  const overlays: OverlayOptions[] = [];
  for (const [i, { picture, caption: words }] of tiles.entries()) {
    const left = margin + (i % columns) * (tile + gap);
    const top = header + Math.floor(i / columns) * (tile + caption + gap);
    const { width: w, height: h, channels, data } = picture;
    const input = await sharp(data, { raw: { width: w, height: h, channels } })
      .toColourspace('srgb')
      .resize(tile, tile, { fit: 'contain', background: '#eceef1' })
      .png()
      .toBuffer();
    overlays.push({ input, left, top });
    texts.push(svgText(left, top + tile + 13, ending(words), { size: 9, fill: '#767c85' }));
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${texts.join('')}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite([...overlays, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** Names of a dataset's pictures differ at their ends. */
function ending(text: string): string {
  const letters = [...text];
  return letters.length <= captionLength ? text : `…${letters.slice(1 - captionLength).join('')}`;
}
