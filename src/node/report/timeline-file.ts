import { extname } from 'node:path';
import type { Picture } from '../../image/index.js';
import type { VideoTotals } from '../../video/index.js';
import { pngOf } from '../draw/annotated-picture.js';
import { writeFileAtomic } from '../files/files.js';
import { timelineChart } from './charts/timeline.js';
import { renderSvg, svgToPng } from './index.js';

export const isChartFile = (path: string): boolean => /^\.(svg|png)$/i.test(extname(path));

/** Draws the expressions of all tracks over time into an SVG or PNG file. */
export async function writeTimeline(
  path: string,
  title: string,
  labels: readonly string[],
  { from, seconds, tracks }: VideoTotals,
): Promise<void> {
  const shown = await Promise.all(
    tracks.map(async ({ crop, ...track }) => ({
      ...track,
      ...(crop === undefined ? {} : { face: await dataUrl(crop) }),
    })),
  );
  const chart = timelineChart({ title, labels, span: [from, from + Math.max(seconds, 1e-3)], tracks: shown });
  const svg = await renderSvg(chart);
  await writeFileAtomic(path, /\.png$/i.test(path) ? await svgToPng(svg) : svg);
}

async function dataUrl(picture: Picture): Promise<string> {
  return `data:image/png;base64,${(await pngOf(picture)).toString('base64')}`;
}
