import { extname } from 'node:path';
import { countText } from '../common/count-text.js';
import { UserError } from '../common/errors.js';
import { writeFileAtomic } from '../node/files/files.js';
import type { Measurement } from '../node/measure/index.js';
import {
  type CorruptedNetwork,
  corruptionChart,
  corruptionPage,
  fontNote,
  renderSvg,
  svgToPng,
} from '../node/report/index.js';
import { note } from './context.js';

export interface CorruptionFlags {
  readonly corruptions?: boolean;
  readonly plot?: string;
}

/** @throws UserError where there would be nothing to draw, or not into such a file. */
export function checkPlot({ corruptions, plot }: CorruptionFlags): void {
  if (plot === undefined) return;
  if (corruptions !== true) {
    throw new UserError('--plot draws accuracy under corruptions; give --corruptions too, or leave it out.', 'usage');
  }
  if (!['.svg', '.png', '.html'].includes(extname(plot).toLowerCase())) {
    throw new UserError(`--plot ${plot}: give a name that ends in .svg, .png or .html.`, 'usage');
  }
}

/** Draws the robustness of all measured networks into one file. */
export async function writePlot(path: string, measurements: readonly Measurement[]): Promise<void> {
  const networks = measurements.flatMap(({ checkpoint, result: { robustness } }): CorruptedNetwork[] =>
    robustness === undefined ? [] : [{ name: checkpoint, robustness }],
  );
  const on = [
    ...new Set(
      measurements.map(
        ({ data, result: { split, evaluation } }) =>
          `${data}, split '${split}': ${countText(evaluation.samples, 'picture')}`,
      ),
    ),
  ].join('; ');
  const kind = extname(path).toLowerCase();
  if (kind === '.html') {
    await writeFileAtomic(path, await corruptionPage(networks, on));
    return;
  }
  const svg = await renderSvg(corruptionChart(networks, on));
  await writeFileAtomic(path, kind === '.svg' ? svg : await svgToPng(svg));
  if (kind === '.png') for (const sentence of await fontNote()) note(sentence);
}
