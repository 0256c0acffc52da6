import { inkOn, labelColours } from '../common/label-colours.js';
import { probabilityText, shortProbabilityText } from '../common/probability-text.js';
import type { Area } from './area.js';
import { svgText } from './svg-text.js';
import { textWidth } from './text-width.js';

// Labels of faces as parts of an SVG, and how much room they take.

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The most probable first. */
export type Scores = readonly { readonly label: string; readonly probability: number }[];

/** A number of an SVG: hundredths are finer than pixels. */
export const n = (value: number): string => String(Math.round(value * 100) / 100);

export const dark = '#14171c';
/** Of a face that no label was given to. */
export const unlabelled = '#8b929c';

/** With the colour of each label among all of the network's. */
export type ColouredScores = readonly (Scores[number] & { readonly colour: string })[];

export function coloured(scores: Scores): ColouredScores {
  const colours = labelColours(scores.map(({ label }) => label));
  return scores.flatMap((score, i) => {
    const colour = colours[i];
    return colour === undefined ? [] : [{ ...score, colour }];
  });
}

/** The first row of a panel is bold. */
const columnWidth = (texts: readonly string[], font: number): number =>
  Math.max(...texts.map((text, i) => textWidth(text, font, i === 0)), 0);
const labelWidth = (scores: Scores, font: number): number =>
  columnWidth(
    scores.map(({ label }) => label),
    font,
  );
const shareText = ({ probability }: Scores[number]): string => probabilityText(probability);
const barWidth = 5;
const rowHeight = 1.45;
/** Of a panel, in its font's size: to the left, before and behind bars, to the right. */
const [padLeft, gap, padRight] = [0.8, 0.5, 0.7];

export function panelSize(scores: Scores, font: number): Size {
  const texts = labelWidth(scores, font) + columnWidth(scores.map(shareText), font);
  return {
    width: texts + (padLeft + gap + barWidth + gap + padRight) * font,
    height: (scores.length * rowHeight + 0.7) * font,
  };
}

/** Labels, bars and percentages on a dark ground. */
export function bars({ x, y, width, height }: Area, scores: ColouredScores, font: number): string {
  const left = x + padLeft * font;
  const start = left + labelWidth(scores, font) + gap * font;
  const rows = scores.map((score, i) => {
    const { label, probability, colour } = score;
    const base = y + (0.35 + (i + 0.74) * rowHeight) * font;
    const [weight, fill] = i === 0 ? [600, '#fff'] : [400, '#d5dae1'];
    const bar = (share: number, paint: string): string =>
      `<rect x="${n(start)}" y="${n(base - 0.58 * font)}" width="${n(Math.max(0.12, share * barWidth) * font)}" height="${n(0.5 * font)}" rx="${n(0.12 * font)}" ${paint}/>`;
    return [
      svgText(Number(n(left)), Number(n(base)), label, { size: Number(n(font)), weight, fill }),
      bar(1, 'fill="#fff" fill-opacity="0.14"'),
      bar(probability, `fill="${colour}"`),
      svgText(Number(n(start + (barWidth + gap) * font)), Number(n(base)), shareText(score), {
        size: Number(n(font)),
        weight,
        fill,
      }),
    ].join('');
  });
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(0.45 * font)}" fill="${dark}" fill-opacity="0.82"/>${rows.join('')}`;
}

function chipText(score: Scores[number] | undefined): string {
  return score === undefined ? '' : `${score.label} ${shortProbabilityText(score.probability)}`;
}

export function chipSize(score: Scores[number] | undefined, font: number): Size {
  return { width: textWidth(chipText(score), font, true) + 0.9 * font, height: 1.5 * font };
}

export function line({ x, y, width, height }: Area, score: ColouredScores[number] | undefined, font: number): string {
  const colour = score?.colour ?? unlabelled;
  const text = svgText(Number(n(x + 0.45 * font)), Number(n(y + 1.07 * font)), chipText(score), {
    size: Number(n(font)),
    weight: 600,
    fill: inkOn(colour),
  });
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(0.35 * font)}" fill="${colour}" fill-opacity="0.95"/>${text}`;
}

/** At the bottom left; smaller than `largest` where the picture is narrow or low. */
export function message(text: string, picture: Size, largest: number): string {
  const font = Math.min(largest, picture.width / (textWidth(text, 1) + 1.2), picture.height / 2.6);
  const width = textWidth(text, font) + 1.2 * font;
  const [x, y] = [Math.min(0.8 * font, picture.width - width), picture.height - 2.6 * font];
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(1.8 * font)}" rx="${n(0.4 * font)}" fill="${dark}" fill-opacity="0.82"/>${svgText(Number(n(x + 0.6 * font)), Number(n(y + 1.25 * font)), text, { size: Number(n(font)), fill: '#fff' })}`;
}
