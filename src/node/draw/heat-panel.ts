import sharp, { type OverlayOptions } from 'sharp';
import { itemAt } from '../../common/item-at.js';
import { type HeatMap, heatLevels, heatRamp, lit } from '../../draw/index.js';
import { svgText as text } from '../../draw/svg-text.js';
import { wrapped } from '../../draw/text-width.js';
import { type Picture, resizeBilinear } from '../../image/index.js';

/** A cell of a panel: the picture, under a map where there is one. */
export interface HeatCell {
  readonly title: string;
  /** Smaller, below the title, in two lines at most. */
  readonly note: string;
  readonly map?: HeatMap;
}

export interface HeatPanel {
  readonly title: string;
  readonly subtitle: string;
  readonly rows: readonly {
    /** A line above the row. */
    readonly title: string;
    /** Of the label that the row is about: a mark before its title. */
    readonly colour?: string;
    readonly cells: readonly HeatCell[];
  }[];
  /** What the dark and the bright end of the colours mean. */
  readonly legend: readonly [dark: string, bright: string];
}

/** In pixels. */
const layout = { cell: 224, gap: 16, margin: 28, header: 74, rowTitle: 30, caption: 52, rowGap: 16, footer: 52 };

/** Columns of text of 11 pixels in a cell. */
const noteColumns = 36;

/**
 * One picture under several maps, with titles, as a PNG. Maps are enlarged smoothly: their true resolution is `side`.
 * Text is set in a sans serif font of the system.
 */
export async function heatPanel(picture: Picture, panel: HeatPanel): Promise<Buffer> {
  const { cell, gap, margin, header, rowTitle, caption, rowGap, footer } = layout;
  const columns = Math.max(1, ...panel.rows.map(({ cells }) => cells.length));
  const width = 2 * margin + columns * cell + (columns - 1) * gap;
  const rowHeight = rowTitle + caption + cell + rowGap;
  const height = header + panel.rows.length * rowHeight + footer;
  const base = resizeBilinear(picture, cell, cell);
  const texts = [
    text(margin, 38, panel.title, { size: 20, weight: 600 }),
    text(margin, 60, panel.subtitle, { size: 13, fill: '#5b6068' }),
  ];
  const tiles: OverlayOptions[] = [];
  for (const [r, row] of panel.rows.entries()) {
    const top = header + r * rowHeight;
    const mark = row.colour === undefined ? 0 : 20;
    if (row.colour !== undefined) {
      texts.push(`<rect x="${margin}" y="${top + 8}" width="13" height="13" rx="3" fill="${row.colour}"/>`);
    }
    texts.push(text(margin + mark, top + 20, row.title, { size: 14, weight: 600, fill: '#33373d' }));
    for (const [c, { title, note, map }] of row.cells.entries()) {
      const left = margin + c * (cell + gap);
      texts.push(text(left, top + rowTitle + 14, title, { size: 13 }));
      for (const [i, line] of wrapped(note, noteColumns).slice(0, 2).entries()) {
        texts.push(text(left, top + rowTitle + 30 + 14 * i, line, { size: 11, fill: '#5b6068' }));
      }
      const input = map === undefined ? inColour(base) : await overlay(base, map);
      const raw = { width: cell, height: cell, channels: 3 } as const;
      tiles.push({ input, raw, left, top: top + rowTitle + caption });
    }
  }
  const foot = height - footer + 14;
  tiles.push({ input: legendBar(160, 10), raw: { width: 160, height: 10, channels: 3 }, left: margin, top: foot });
  texts.push(text(margin + 172, foot + 9, `${panel.legend[0]} to ${panel.legend[1]}`, { size: 11, fill: '#5b6068' }));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${texts.join('')}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite([...tiles, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ compressionLevel: 9, palette: false })
    .toBuffer();
}

function inColour({ channels, data }: Picture): Buffer {
  if (channels === 3) return Buffer.from(data);
  return Buffer.from(Uint8Array.from({ length: 3 * data.length }, (_, i) => itemAt(data, Math.trunc(i / 3))));
}

/** Under a map, which is enlarged by a cubic kernel. */
async function overlay(picture: Picture, map: HeatMap): Promise<Buffer> {
  const { side } = map;
  const levels = await sharp(heatLevels(map), { raw: { width: side, height: side, channels: 1 } })
    .resize(picture.width, picture.height, { kernel: 'cubic', fit: 'fill' })
    .extractChannel(0)
    .raw()
    .toBuffer();
  return Buffer.from(lit(picture, levels));
}

function legendBar(width: number, height: number): Buffer {
  const bar = Buffer.alloc(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const level = Math.round((255 * (i % width)) / (width - 1));
    bar.set(heatRamp.subarray(3 * level, 3 * level + 3), 3 * i);
  }
  return bar;
}
