import { percent } from '../../common/percent.js';
import { printable } from '../../common/printable.js';
import type { CorruptedFigures } from '../../metrics/index.js';
import { type CorruptedNetwork, corruptionLegend, corruptionPanels } from './charts/corruptions.js';
import type { Panel } from './charts/curves.js';
import { renderSvg, withoutGround } from './charts/render.js';
import { Html, html, htmlPage, htmlTable } from './html.js';

const figures = [
  ['accuracy', 'Accuracy'],
  ['meanClassAccuracy', 'Mean-class accuracy'],
] as const;

/**
 * Networks under corruptions as one HTML document: a small chart for each corruption, and all figures.
 * @param on what was measured, in words
 */
export async function corruptionPage(networks: readonly CorruptedNetwork[], on: string): Promise<string> {
  const figure = async (panel: Panel): Promise<Html> =>
    html`<figure>${new Html(withoutGround(await renderSvg({ hconcat: [panel] })))}</figure>`;
  const charts: Html[] = [];
  for (const panel of corruptionPanels(networks)) charts.push(await figure(panel));
  const title = 'Accuracy under corruptions';
  return htmlPage(
    title,
    html`<h1>${title}</h1>
<p class="faint">${printable(on, 2000)}</p>
${await figure(corruptionLegend(networks))}
<div class="grid">${charts}</div>
${networks.map((network) => tables(network))}`,
  );
}

function tables({ name, robustness }: CorruptedNetwork): Html {
  const { clean, corruptions, strengths, mean } = robustness;
  const table = (figure: keyof CorruptedFigures): Html => {
    const cells = (all: readonly CorruptedFigures[]): string[] => all.map((one) => percent(one[figure]));
    return htmlTable(
      ['corruption', ...strengths.map((_, s) => String(s + 1)), 'mean'],
      [
        ...corruptions.map((row) => [row.name, ...cells(row.strengths), ...cells([row.mean])]),
        ['mean', ...cells(strengths), ...cells([mean])],
      ],
      { marked: [corruptions.length] },
    );
  };
  return html`<h2>${printable(name, 200)}</h2>
${figures.map(
  ([figure, title]) => html`<h3>${title} (%); as the pictures are: ${percent(clean[figure])}</h3>
<div class="scroll">${table(figure)}</div>`,
)}`;
}
