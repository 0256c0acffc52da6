import { withoutFolders } from '../../common/command-line.js';
import { itemAt } from '../../common/item-at.js';
import { percent } from '../../common/percent.js';
import { printable } from '../../common/printable.js';
import type { Calibration, ClassMetrics, Evaluation, Uncalibrated, VoteAgreement } from '../../metrics/index.js';
import { classNames, grouped, hours, settingText } from '../draw/text.js';
import { Html, html, htmlPage, htmlTable } from './html.js';
import type { RunFolder } from './run-folder.js';

/** What the page shows as measured: recorded by training, or measured for the report. */
export interface ReportedEvaluation {
  /** Which weights on which pictures, in words. */
  readonly on: string;
  readonly labels: readonly string[];
  readonly samples: number;
  readonly accuracy: number | null;
  readonly meanClassAccuracy: number | null;
  readonly macroF1: number | null;
  readonly crossEntropy: number | null;
  readonly confusion: Evaluation['confusion'];
  readonly perClass: readonly ClassMetrics[];
  readonly calibration?: Calibration;
  readonly votes?: VoteAgreement | null;
  readonly uncalibrated?: Uncalibrated | null;
  /** How it was measured, in lines. */
  readonly protocol?: string;
}

/** Charts as SVG; what is not there is not shown. */
export interface RunCharts {
  readonly curves: readonly string[];
  /** A chart a class. */
  readonly recall: readonly string[];
  readonly confusion?: string;
  readonly calibration?: string;
}

const show = (text: string): string => printable(text, 2000);
const fixed = (value: number | null, digits: number): string => (value === null ? '-' : value.toFixed(digits));
const picture = (svg: string | undefined): Html =>
  svg === undefined ? html`` : html`<figure>${new Html(svg)}</figure>`;

/** A run as one HTML document. */
export function runPage(
  run: RunFolder,
  evaluation: ReportedEvaluation | undefined,
  charts: RunCharts,
  version: string,
): string {
  const model = typeof run.settings['model'] === 'string' ? run.settings['model'] : 'run';
  const body = html`<h1>${show(run.name)}</h1>
<p class="faint">${show(model)}${run.dataset === undefined ? '' : `: ${show(run.dataset)}`}</p>
${summary(run)}
<h2>Curves</h2>
<div class="row">${charts.curves.map(picture)}</div>
${charts.recall.length === 0 ? html`` : recall(charts.recall)}
${evaluation === undefined ? missing() : evaluated(evaluation, charts)}
<h2>Epochs</h2>
${epochs(run)}
<h2>Configuration</h2>
${configuration(run)}
${sessions(run)}
<p class="faint">Made by poster-v2 ${version} from metrics.jsonl of this run.</p>`;
  return htmlPage(`${show(run.name)} · ${show(model)}`, body);
}

function recall(charts: readonly string[]): Html {
  return html`<h3>Recall of each class (%) on the validation pictures</h3>
<div class="row">${charts.map(picture)}</div>`;
}

function tiles(figures: readonly (readonly [name: string, value: string])[]): Html {
  return html`<dl class="figures">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function summary({ epochs: done, planned, best, pictures }: RunFolder): Html {
  const seconds = done.reduce((sum, epoch) => sum + (epoch.seconds ?? 0), 0);
  return tiles([
    ['epochs', planned === undefined ? String(done.length) : `${done.length} of ${planned}`],
    ...(best === undefined
      ? []
      : ([
          ['best epoch', String(best.epoch)],
          ['validation accuracy, %', percent(best.valAccuracy, 2)],
          ['its mean over classes, %', percent(best.valMeanClassAccuracy, 2)],
          ['validation loss, nats', fixed(best.valLoss, 4)],
        ] as const)),
    ...(pictures === undefined
      ? []
      : ([
          ['pictures, training + validation', `${grouped(pictures.train)} + ${grouped(pictures.validation)}`],
        ] as const)),
    ['time', hours(seconds)],
  ]);
}

function missing(): Html {
  return html`<h2>Evaluation</h2>
<p>This run did not record what its network takes for what: give the report a dataset too, to measure it.</p>`;
}

function evaluated(evaluation: ReportedEvaluation, charts: RunCharts): Html {
  const { on, labels, samples, accuracy, meanClassAccuracy, macroF1, crossEntropy, perClass, calibration } = evaluation;
  const { votes = null, uncalibrated = null } = evaluation;
  const names = classNames(labels, perClass.length);
  return html`<h2>Evaluation</h2>
<p>${show(on)}</p>
${tiles([
  ['pictures', grouped(samples)],
  ['accuracy, %', percent(accuracy, 2)],
  ['mean-class accuracy, %', percent(meanClassAccuracy, 2)],
  ['macro-F1, %', percent(macroF1, 2)],
  ['cross-entropy, nats', fixed(crossEntropy, 4)],
  ...(calibration === undefined
    ? []
    : ([
        ['calibration error (ECE), %', percent(calibration.ece, 2)],
        ['Brier score', fixed(calibration.brier, 4)],
      ] as const)),
  ...(uncalibrated === null ? [] : rawTiles(uncalibrated)),
  ...(votes === null ? [] : voteTiles(votes)),
])}
<div class="row">
${picture(charts.confusion)}
${picture(charts.calibration)}
</div>
${evaluation.protocol === undefined ? html`` : html`<pre class="faint">${evaluation.protocol}</pre>`}
<h2>Classes</h2>
<div class="scroll">${htmlTable(
    ['class', 'pictures', 'taken for it', 'precision %', 'recall %', 'F1 %'],
    perClass.map(({ support, predicted, precision, recall, f1 }, c) => [
      itemAt(names, c),
      grouped(support),
      grouped(predicted),
      percent(precision),
      percent(recall),
      percent(f1),
    ]),
  )}</div>`;
}

function rawTiles({ temperature, ece }: Uncalibrated): [name: string, value: string][] {
  return [
    ['temperature', temperature.toFixed(4)],
    ['calibration error without it, %', percent(ece, 2)],
  ];
}

function voteTiles({ crossEntropy, divergence, entropyCorrelation }: VoteAgreement): [name: string, value: string][] {
  return [
    ['cross-entropy to the votes, nats', fixed(crossEntropy, 4)],
    ['divergence from the votes, nats', fixed(divergence, 4)],
    ['rank correlation of entropies', fixed(entropyCorrelation, 4)],
  ];
}

function epochs({ epochs: done, best }: RunFolder): Html {
  const head = ['epoch', 'updates', 'training loss', 'training %', 'validation loss', 'validation %', 'class mean %'];
  return html`<p class="faint">The best epoch is marked.</p>
<div class="scroll">${htmlTable(
    [...head, 'macro-F1 %', 'learning rate', 'time'],
    done.map((epoch) => [
      String(epoch.epoch),
      grouped(epoch.step),
      fixed(epoch.trainLoss, 4),
      percent(epoch.trainAccuracy, 2),
      fixed(epoch.valLoss, 4),
      percent(epoch.valAccuracy, 2),
      percent(epoch.valMeanClassAccuracy, 2),
      percent(epoch.valMacroF1 ?? null, 2),
      epoch.lr === null ? '-' : epoch.lr.toPrecision(3),
      hours(epoch.seconds ?? Number.NaN),
    ]),
    { marked: done.flatMap(({ epoch }, row) => (epoch === best?.epoch ? [row] : [])) },
  )}</div>`;
}

function configuration({ settings }: RunFolder): Html {
  const entries = Object.entries(settings);
  if (entries.length === 0) return html`<p>The run does not tell it.</p>`;
  return html`<div class="scroll">${htmlTable(
    ['option', 'value'],
    entries.map(([name, value]) => [show(name), show(settingText(value))]),
    { text: [1] },
  )}</div>`;
}

function sessions({ sessions: all }: RunFolder): Html {
  if (all.length === 0) return html``;
  const one = all.map(({ started, command, epoch, device, versions, git, system, ranks, transport }) => {
    const commit = git === undefined || git === null ? '' : `, commit ${git.commit}${git.dirty ? ' with changes' : ''}`;
    const made = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    const together = ranks === undefined || ranks === 1 ? [] : [`${ranks} ranks (${transport ?? 'unknown'})`];
    const facts = [device, ...together, ...(system === undefined ? [] : [system]), ...made].join('; ');
    const begin = epoch === 0 ? 'from the beginning' : `after epoch ${epoch}`;
    return html`<p>${show(started)}, ${begin}: <code>${show(withoutFolders(command))}</code><br>
<span class="faint">${show(facts + commit)}</span></p>\n`;
  });
  return html`<h2>Sessions</h2>\n${one}`;
}
