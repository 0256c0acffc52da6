import sharp from 'sharp';
import type { Config, TopLevelSpec } from 'vega-lite';
import { withTextMetrics } from './text-metrics.js';
import { paint } from './theme.js';
import { marked, unmarked } from './vega-names.js';

export const fonts = "Inter,'Helvetica Neue',Arial,'Liberation Sans','DejaVu Sans',sans-serif";

const config: Config = {
  background: paint('paper'),
  font: fonts,
  padding: 16,
  view: { stroke: null },
  title: {
    anchor: 'start',
    font: fonts,
    fontSize: 14,
    fontWeight: 600,
    color: paint('ink'),
    offset: 12,
    subtitleFontSize: 12,
    subtitleColor: paint('faint'),
  },
  axis: {
    labelFontSize: 12,
    labelColor: paint('faint'),
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titleColor: paint('faint'),
    gridColor: paint('grid'),
    domainColor: paint('axis'),
    tickColor: paint('axis'),
    tickSize: 4,
    labelPadding: 5,
  },
  axisY: { domain: false, ticks: false, tickCount: 5 },
  axisX: { grid: false },
  header: { labelFontSize: 12, labelFontWeight: 600, labelColor: paint('ink'), labelAnchor: 'start', title: null },
  line: { strokeWidth: 2, strokeCap: 'round', strokeJoin: 'round' },
  text: { fontSize: 12, color: paint('ink') },
  concat: { spacing: 36 },
  facet: { spacing: 24 },
};

/**
 * A chart as SVG, by Vega, without a browser and without a network: charts hold their data. The libraries are loaded
 * when the first chart is drawn.
 */
export async function renderSvg(chart: TopLevelSpec): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const silent = vega.logger(vega.Error);
  const { spec } = compile(marked(chart), { config, logger: silent });
  const view = new vega.View(vega.parse(spec), { renderer: 'none', logger: silent });
  try {
    return unmarked(await withTextMetrics(vega, () => view.toSVG()));
  } finally {
    view.finalize();
  }
}

/** A chart without its ground, to become part of a page. */
export const withoutGround = (svg: string): string => svg.replace(`fill="${paint('paper')}"`, 'fill="none"');

/** An SVG as PNG, `scale` pixels to one of its units. Text is set in a font of the system: see {@link hasFonts}. */
export async function svgToPng(svg: string, scale = 2): Promise<Buffer> {
  return sharp(Buffer.from(svg), { density: 72 * scale })
    .flatten({ background: '#ffffff' })
    .png()
    .toBuffer();
}

/** Whether this machine can set text in pictures: without any font, librsvg draws a box for every letter and says nothing. */
export async function hasFonts(): Promise<boolean> {
  const drawn = async (letter: string): Promise<Buffer> => {
    const text = `<text x="4" y="32" font-size="32" font-family="${fonts}">${letter}</text>`;
    return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">${text}</svg>`))
      .raw()
      .toBuffer();
  };
  return !(await drawn('M')).equals(await drawn('i'));
}
