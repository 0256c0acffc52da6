import { join } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { countText } from '../../common/count-text.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import {
  type Agreement,
  accuracy,
  type Evaluation,
  macroF1,
  meanClassAccuracy,
  perClassMetrics,
} from '../../metrics/index.js';
import { writeFileAtomic } from '../files/files.js';
import { makeFolder } from '../files/output-paths.js';
import { confusionChart, mostClasses } from './charts/confusion.js';
import { curvePanels, curvesChart, type Panel } from './charts/curves.js';
import { recallChart, recallPanels } from './charts/recall.js';
import { calibrationChart } from './charts/reliability-diagram.js';
import { hasFonts, renderSvg, svgToPng, withoutGround } from './charts/render.js';
import type { RunFolder } from './run-folder.js';
import { type ReportedEvaluation, type RunCharts, runPage } from './run-page.js';

export interface WrittenReport {
  /** Paths of all files, the page first. */
  readonly files: string[];
  /** Sentences about what could not be done. */
  readonly notes: readonly string[];
}

/** What training recorded about its best epoch's weights; undefined in runs of early versions. */
export function recordedEvaluation(run: RunFolder): ReportedEvaluation | undefined {
  const { best } = run;
  if (best?.confusion === undefined) return undefined;
  const { confusion, calibration } = best;
  const perClass = perClassMetrics(confusion);
  return {
    on: `The best epoch's weights (${best.epoch}) on the validation pictures, as training measured them.`,
    labels: run.labels ?? [],
    samples: perClass.reduce((sum, { support }) => sum + support, 0),
    accuracy: accuracy(confusion),
    meanClassAccuracy: meanClassAccuracy(confusion),
    macroF1: macroF1(confusion),
    crossEntropy: best.valLoss,
    confusion,
    perClass,
    ...defined({ calibration }),
  };
}

/** What was measured for the report. */
export function measuredEvaluation(
  on: string,
  labels: readonly string[],
  evaluation: Evaluation,
  agreement: Partial<Agreement> = {},
): ReportedEvaluation {
  const { votes, uncalibrated } = agreement;
  return { on, labels, ...evaluation, ...defined({ votes, uncalibrated }) };
}

/**
 * Writes `report.html`, and its charts as SVG and PNG, into a folder, which is made where there is none.
 * @param version of this program
 * @throws UserError when the run has no finished epoch, or the files cannot be written.
 */
export async function writeReport(
  run: RunFolder,
  evaluation: ReportedEvaluation | undefined,
  folder: string,
  version: string,
): Promise<WrittenReport> {
  if (run.epochs.length === 0) {
    throw new UserError(`${run.path} has no finished epoch yet: report on it when the first one is done.`);
  }
  const charts = await chartsOf(run, evaluation);
  await makeFolder(folder);
  const page = join(folder, 'report.html');
  const files = [page];
  for (const [name, svg] of charts.files) {
    files.push(...(await writeChart(join(folder, name), svg)));
  }
  // The page last: once it is there, so is everything.
  await writeFileAtomic(page, runPage(run, evaluation, charts.page, version));
  const large = evaluation !== undefined && charts.page.confusion === undefined;
  return {
    files,
    notes: [
      ...(large ? [`More than ${mostClasses} classes make no readable confusion matrix: it is left out.`] : []),
      ...(await fontNote()),
    ],
  };
}

/** A chart as `path.svg` and `path.png`. @returns both paths */
export async function writeChart(path: string, svg: string): Promise<[svg: string, png: string]> {
  const paths: [string, string] = [`${path}.svg`, `${path}.png`];
  await writeFileAtomic(paths[0], svg);
  await writeFileAtomic(paths[1], await svgToPng(svg));
  return paths;
}

/** A sentence where text in PNGs cannot be read. */
export async function fontNote(): Promise<string[]> {
  if (await hasFonts()) return [];
  return [
    'This machine has no fonts, so the PNGs have boxes for letters: install some (on Debian fonts-dejavu-core) and run again, or use the SVGs.',
  ];
}

interface Charts {
  /** Name of the file, without ending, and the SVG. */
  readonly files: readonly (readonly [name: string, svg: string])[];
  /** The same for the page, small enough each to stand below each other on a narrow screen. */
  readonly page: RunCharts;
}

async function chartsOf(run: RunFolder, evaluation: ReportedEvaluation | undefined): Promise<Charts> {
  const labels = run.labels ?? [];
  const classes = evaluation?.confusion.length ?? 0;
  const few = classes <= mostClasses;
  const recall = few ? recallChart(run.epochs, labels) : undefined;
  const subtitle = evaluation === undefined ? '' : countText(evaluation.samples, 'picture');
  const files: [name: string, svg: string][] = [];
  const add = async (name: string, chart: TopLevelSpec | undefined): Promise<string | undefined> => {
    if (chart === undefined) return undefined;
    const svg = await renderSvg(chart);
    files.push([name, svg]);
    return withoutGround(svg);
  };
  await add('curves', curvesChart(run.epochs));
  await add('recall', recall);
  const confusion = await add(
    'confusion',
    evaluation === undefined || !few ? undefined : confusionChart(evaluation.confusion, evaluation.labels, subtitle),
  );
  const calibration = await add(
    'calibration',
    evaluation?.calibration === undefined ? undefined : calibrationChart(evaluation.calibration, subtitle),
  );
  const parts = async (panels: readonly Panel[]): Promise<string[]> => {
    const svgs: string[] = [];
    for (const panel of panels) svgs.push(withoutGround(await renderSvg({ hconcat: [panel] })));
    return svgs;
  };
  return {
    files,
    page: {
      curves: await parts(curvePanels(run.epochs)),
      recall: await parts(recall === undefined ? [] : recallPanels(run.epochs, labels)),
      ...defined({ confusion, calibration }),
    },
  };
}
