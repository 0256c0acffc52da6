import { defined } from '../../common/defined.js';
import { labelColours } from '../../common/label-colours.js';
import { percent } from '../../common/percent.js';
import { probabilityText } from '../../common/probability-text.js';
import type { AttentionMap, Explanation, TokenWeights } from '../../explain/index.js';
import type { HeatCell, HeatPanel } from './heat-panel.js';

/** Which of the class token's maps without a class is drawn. */
export type TokenMap = 'attention' | 'rollout';

const scaleTitles: Readonly<Record<Explanation['direction'], string>> = {
  'landmarks-to-image': 'Window cross-attention: where each scale looks, asked by the landmarks of the face',
  'image-to-image': 'Window attention: where each scale looks, asked by the image itself',
  'image-to-landmarks': 'Cross-attention, first block: where the image looks in the landmark stream',
};

/** The panel for a picture called `name`. */
export function explanationPanel(name: string, explanation: Explanation, drawn: TokenMap): HeatPanel {
  const { scores, target, direction, scales, classToken } = explanation;
  const ranking = scores.slice(0, 3).map(({ label, probability }) => `${label} ${probabilityText(probability)}`);
  const windows = scales.map(({ scale, attention, share }): HeatCell => {
    const most = `up to ${peak(attention).toFixed(1)} times an even share`;
    return {
      title: `Scale ${scale}, ${grid(attention)}`,
      note: `${most}; changes the features by ${percent(share, 0)}%`,
      map: attention,
    };
  });
  const numbers = scales.map(({ scale }) => scale);
  const labels = scores.map(({ label }) => label);
  const colour = labelColours(labels)[labels.indexOf(target)];
  const picture: HeatCell = { title: 'Picture', note: 'under the maps, in its own colours' };
  const scaleRow = { title: scaleTitles[direction], cells: [picture, ...windows] };
  const shown = { title: name, subtitle: ranking.join(', ') };
  if (classToken === undefined) {
    // One row, which is wide enough for its title.
    const relevances = scales.map(({ relevance }): HeatCell => {
      const note = 'what speaks for it (attention times gradient)';
      return { title: `Relevance for ${target}, ${grid(relevance)}`, note, map: relevance };
    });
    return {
      ...shown,
      rows: [{ ...scaleRow, cells: [...scaleRow.cells, ...relevances] }],
      legend: ['from nothing', 'the most of a map'],
    };
  }
  const how = drawn === 'attention' ? 'last block' : 'all blocks (rollout)';
  return {
    ...shown,
    rows: [
      scaleRow,
      {
        title: `Class token, ${how}: where the decision takes its features from`,
        cells: tokenCells(classToken[drawn], numbers, 'of its attention goes'),
      },
      {
        title: `Relevance for ${target}: what speaks for it (attention times gradient, last block)`,
        ...defined({ colour }),
        cells: tokenCells(classToken.relevance, numbers, 'of it goes back'),
      },
    ],
    legend: ['from nothing', 'the most, of a map alone or of the three scales of a row'],
  };
}

/** All scales together, then each; the scales share one range of colours. */
function tokenCells({ scales, all, itself }: TokenWeights, numbers: readonly number[], what: string): HeatCell[] {
  const top = Math.max(...scales.map(({ values }) => highest(values)));
  const total = sum(all.values) + itself;
  const share = (part: number): string => (total > 0 ? percent(part / total) : '-');
  return [
    {
      title: `All scales, ${grid(all)}`,
      note: `${share(total - itself)}% ${what} to the picture, ${share(itself)}% to the token itself`,
      map: all,
    },
    ...scales.map((map, i) => {
      const note = `${share(sum(map.values))}% ${what} to this scale`;
      return { title: `Scale ${numbers[i]}, ${grid(map)}`, note, map: { ...map, top } };
    }),
  ];
}

const sum = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);
const highest = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b), 0);
const grid = ({ side }: AttentionMap): string => `${side} x ${side}`;

/** The highest value, relative to what each place would get if all got the same. */
function peak({ values }: AttentionMap): number {
  return (highest(values) * values.length) / sum(values);
}
