import { defined } from '../common/defined.js';
import { itemAt } from '../common/item-at.js';
import { jsonText } from '../common/json-text.js';
import { printable } from '../common/printable.js';
import { probabilityText } from '../common/probability-text.js';
import { bar } from '../node/report/bar.js';
import { formatTable } from '../node/report/text-tables.js';
import {
  cropDocument,
  type FailedPicture,
  predictionsHead,
  type Recognition,
  recognitionDocument,
} from '../recognize/index.js';
import type { ModelDescription } from '../safetensors/index.js';
import { writeText } from './context.js';
import { writeOut } from './stdout.js';

/** A picture that was looked at, and the files that were made of it. */
export interface Predicted extends Recognition {
  readonly image: string;
  readonly drawn?: string;
  /** A file for each face. */
  readonly crops?: readonly string[];
  /** Of a kind that moves; only its first frame was looked at. */
  readonly animated?: boolean;
  /** Why its drawing or crops could not be written, in a sentence. */
  readonly unwritten?: string;
}

/** Where results go, one after the other. */
export interface PredictionOutput {
  add(predicted: Predicted): Promise<void>;
  fail(image: string, reason: string): Promise<void>;
  end(interrupted: boolean): Promise<void>;
}

export interface OutputSettings {
  readonly checkpoint: string;
  readonly description: Pick<ModelDescription, 'labels'> & { readonly model: Pick<ModelDescription['model'], 'name'> };
  readonly aligned: boolean;
  /** Labels listed with each face. */
  readonly top?: number;
}

/** Behind the scores of faces that are dark or washed out. */
const lowContrastNote = 'low contrast';

const nothing = async (): Promise<void> => undefined;

/** A block a picture, a line a face; of face crops a line a label. */
export function textOutput({ aligned, top }: OutputSettings): PredictionOutput {
  let first = true;
  return {
    async add(predicted) {
      const block = aligned ? cropBlock(predicted, top) : pictureBlock(predicted, top ?? 3);
      await writeText(`${first ? '' : '\n'}${block}\n`);
      first = false;
    },
    fail: nothing,
    end: nothing,
  };
}

function cropBlock({ image, frames, faces, ...files }: Predicted, top: number | undefined): string {
  const scores = faces[0]?.scores.slice(0, top) ?? [];
  const table = formatTable(
    scores.map(({ label, probability }) => [`  ${printable(label)}`, probabilityText(probability)]),
  );
  const rows = table.split('\n');
  const lines = scores.map(({ probability }, i) => `${itemAt(rows, i)}  ${bar(probability)}`.trimEnd());
  const about = [
    ...(frames > 1 ? [`first of ${frames} frames`] : []),
    ...(faces[0]?.lowContrast === true ? [lowContrastNote] : []),
  ].join(', ');
  return [`${printable(image, 4096)}  ${about}`.trimEnd(), ...lines, ...fileLines(files)].join('\n');
}

function pictureBlock({ image, width, height, frames, faces, ...files }: Predicted, top: number): string {
  const count = faces.length === 0 ? 'no face found' : `${faces.length} ${faces.length === 1 ? 'face' : 'faces'}`;
  const about = [`${width} x ${height}`, ...(frames > 1 ? [`first of ${frames} frames`] : []), count].join(', ');
  const table = formatTable(
    faces.map(({ expression, probability }, i) => [
      `  ${String(i + 1).padStart(String(faces.length).length)}  ${printable(expression)}`,
      probabilityText(probability),
    ]),
  );
  const lines = table.split('\n').map((line, i) => {
    const [{ probability = 0 } = {}, ...others] = faces[i]?.scores.slice(0, top) ?? [];
    const also = others.map((score) => `${printable(score.label)} ${probabilityText(score.probability)}`).join(', ');
    const dark = faces[i]?.lowContrast === true ? `${also === '' ? '' : '; '}${lowContrastNote}` : '';
    return `${line}  ${bar(probability, 16).padEnd(16)}  ${also}${dark}`.trimEnd();
  });
  return [`${printable(image, 4096)}  ${about}`, ...(faces.length > 0 ? lines : []), ...fileLines(files)].join('\n');
}

function fileLines({ drawn, crops = [] }: Pick<Predicted, 'drawn' | 'crops'>): string[] {
  const [first] = crops.map((path) => printable(path, 4096));
  const more = crops.length > 1 ? ` and ${crops.length - 1} more` : '';
  return [
    ...(drawn === undefined ? [] : [`  drawn: ${printable(drawn, 4096)}`]),
    ...(first === undefined ? [] : [`  crop: ${first}${more}`]),
  ];
}

/** One document, written as it grows: it never is in memory as a whole. */
export function jsonOutput(settings: OutputSettings): PredictionOutput {
  const failed: FailedPicture[] = [];
  let opened = false;
  const open = (): string => {
    if (opened) return '';
    opened = true;
    const head = predictionsHead(settings.checkpoint, settings.description);
    return `${jsonText(head, 2).slice(0, -2)},\n  "images": [`;
  };
  let images = 0;
  return {
    async add(predicted) {
      const entry = jsonText(documentOf(predicted, settings), 2).replaceAll('\n', '\n    ');
      await writeOut(`${open()}${images++ > 0 ? ',' : ''}\n    ${entry}`);
    },
    async fail(image, reason) {
      failed.push({ image, reason });
    },
    async end(interrupted) {
      const rest = { failed, ...(interrupted ? { interrupted } : {}) };
      await writeOut(`${open()}${images > 0 ? '\n  ' : ''}],${jsonText(rest, 2).slice(1)}\n`);
    },
  };
}

/** A line a picture, those that cannot be read included. */
export function jsonLinesOutput(settings: OutputSettings): PredictionOutput {
  const write = (entry: object): Promise<void> => writeOut(`${jsonText(entry)}\n`);
  return {
    add: (predicted) => write(documentOf(predicted, settings)),
    fail: (image, reason) => write({ image, failed: reason }),
    end: nothing,
  };
}

function documentOf(predicted: Predicted, { aligned, top }: OutputSettings): object {
  const { image, drawn, crops } = predicted;
  const files = defined<Pick<Predicted, 'drawn' | 'crops'>>({ drawn, crops });
  return { image, ...(aligned ? cropDocument(predicted, top) : recognitionDocument(predicted, top)), ...files };
}
