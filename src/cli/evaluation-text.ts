import { countText } from '../common/count-text.js';
import { itemAt } from '../common/item-at.js';
import { percent } from '../common/percent.js';
import { printable } from '../common/printable.js';
import type { Uncalibrated, VoteAgreement } from '../metrics/index.js';
import type { Measurement, Protocol } from '../node/measure/index.js';
import { confusionTable, corruptionText, formatTable, perClassTable } from '../node/report/index.js';
import { grouped } from './context.js';

/** A measurement for people: figures, confusions, and how they were got. */
export function evaluationText({ checkpoint, data, result }: Measurement): string {
  const { split, evaluation, labels, protocol, robustness, votes, uncalibrated } = result;
  const names = labels.labels;
  const { samples, accuracy, meanClassAccuracy, macroF1, topK, crossEntropy, calibration } = evaluation;
  const absent = evaluation.absentClasses.map((c) => itemAt(names, c));
  return [
    `${checkpoint} on ${data}, split '${split}': ${countText(samples, 'picture')}`,
    '',
    formatTable([
      ['accuracy %', percent(accuracy)],
      ['mean-class accuracy %', percent(meanClassAccuracy)],
      ['macro-F1 %', percent(macroF1)],
      [`top-${topK.k} accuracy %`, percent(topK.accuracy)],
      ['cross-entropy (nats)', digits(crossEntropy)],
      [`calibration error % (ECE, ${calibration.bins.length} bins)`, percent(calibration.ece)],
      ['Brier score (0 to 2)', digits(calibration.brier)],
      ...(uncalibrated === null ? [] : rawRows(uncalibrated)),
      ...(votes === null ? [] : voteRows(votes)),
    ]),
    ...(absent.length === 0 ? [] : [`No pictures of ${absent.join(', ')}: the class means leave them out.`]),
    '',
    confusionTable(evaluation.confusion, names),
    '',
    perClassTable(evaluation.perClass, names),
    ...(robustness === undefined ? [] : ['', corruptionText(robustness)]),
    '',
    protocolText(protocol),
  ].join('\n');
}

/** Decisions are the same with and without a temperature; these are not. */
function rawRows({ temperature, ece, crossEntropy }: Uncalibrated): [name: string, value: string][] {
  return [
    ['temperature', temperature.toFixed(4)],
    ['  calibration error % without it', percent(ece)],
    ['  cross-entropy (nats) without it', digits(crossEntropy)],
  ];
}

function voteRows({ samples, crossEntropy, divergence, entropyCorrelation }: VoteAgreement): [string, string][] {
  return [
    ['pictures with votes', grouped(samples)],
    ['  cross-entropy to the votes (nats)', digits(crossEntropy)],
    ['  Kullback-Leibler divergence to them (nats)', digits(divergence)],
    ['  rank correlation of entropies (-1 to 1)', digits(entropyCorrelation)],
  ];
}

const digits = (figure: number | null): string => (figure === null ? '-' : figure.toFixed(4));

const relations = {
  same: 'the same for weights and data, in the same order',
  reordered: 'the same for weights and data, in another order: matched by name',
  mapped: 'not the same for weights and data: mapped by name',
} as const;

const treatments = { keep: 'taken as they are', stretch: 'stretched as predict does' } as const;

/** How a measurement was made, and what makes it another thing than plain top-1. */
export function protocolText({
  dataset,
  split,
  fold,
  pictures,
  views,
  lowContrast,
  labels,
  training,
  deviations,
}: Protocol): string {
  const part = fold === null ? '' : `, fold ${fold.index} of ${fold.count} (seed ${fold.seed})`;
  return [
    'Protocol',
    ...[
      `pictures: ${grouped(pictures.measured)} of '${dataset}', split '${split}'${part}`,
      `decision: top-1 of ${views.length === 1 ? 'each picture alone' : `the mean over ${views.join(' and ')}`}`,
      ...(lowContrast === null || lowContrast.pictures === 0
        ? []
        : [`low contrast: ${grouped(lowContrast.pictures)} of the pictures, ${treatments[lowContrast.treatment]}`]),
      `labels: ${relations[labels.relation]}`,
      `weights: ${training === null ? 'they do not say how they came about' : training.words}`,
      ...(deviations.length === 0
        ? ['deviations from plain top-1: none']
        : ['deviations from plain top-1:', ...deviations.map((sentence) => `  ${sentence}`)]),
    ].map((line) => `  ${printable(line, 500)}`),
  ].join('\n');
}
