import { canonicalLabel } from '../common/label-sets.js';
import { type Area, inside, overlaps } from './area.js';
import { svgText } from './svg-text.js';
import { percent } from './table.js';

interface Spot {
  readonly x: number;
  readonly y: number;
}

/** A face to be drawn; places are pixels of the picture. */
export interface AnnotatedFace {
  /** Shown in a corner of its box, such as its number in a video. */
  readonly name?: string;
  /** Left out for a picture that is a face crop: its labels stand beside it. */
  readonly place?: {
    readonly box: Area;
    readonly keypoints: readonly Spot[];
    /** Corners of the crop that the network saw. */
    readonly crop: readonly Spot[];
  };
  /** The most probable first. */
  readonly scores: readonly { readonly label: string; readonly probability: number }[];
}

export interface Annotation {
  readonly width: number;
  readonly height: number;
  /** The picture's own size on this canvas; it lies at the top left. */
  readonly picture: { readonly width: number; readonly height: number };
  readonly svg: string;
}

/** Small pictures are enlarged until text beside their faces can be read; of huge ones nobody sees the pixels. */
const [leastSide, mostSide] = [900, 4096] as const;
const dark = '#14171c';

const colours: Readonly<Record<string, string>> = {
  happiness: '#ffc53d',
  surprise: '#2fd4c8',
  neutral: '#c3ccd6',
  sadness: '#6ea8ff',
  anger: '#ff6b5e',
  disgust: '#8ccf4d',
  fear: '#c08bff',
  contempt: '#ff9d5c',
};

/** The colour of an expression; labels of other kinds share a neutral one. */
export function expressionColour(label: string): string {
  return colours[canonicalLabel(label)] ?? '#7fd1ff';
}

/**
 * Boxes, keypoints, crops and labels over a picture: an SVG and how large the picture is under it. Where there is room beside
 * all faces, they show bars of several labels, otherwise a line each. No label covers another face where that can be avoided.
 *
 * @param rows labels in a panel of bars
 */
export function annotate(
  size: { readonly width: number; readonly height: number },
  faces: readonly AnnotatedFace[],
  rows = 3,
): Annotation {
  const long = Math.max(size.width, size.height);
  const scale = long < leastSide ? leastSide / long : long > mostSide ? mostSide / long : 1;
  const picture = {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
  const [first] = faces;
  if (first !== undefined && first.place === undefined) return besideCrop(picture, first);
  const scaled = faces.flatMap(({ place, scores, name }) =>
    place === undefined ? [] : [{ ...shrunk(place, scale), scores, ...(name === undefined ? {} : { name }) }],
  );
  const font = fontSize(scaled, Math.max(picture.width, picture.height));
  const outlines = scaled.map((face) => outline(face, font));
  const labels =
    scaled.length === 0 ? [message('no face found', picture, 1.5 * font)] : placeLabels(scaled, picture, font, rows);
  return { ...picture, picture, svg: svg(picture.width, picture.height, [...outlines, ...labels]) };
}

interface ScaledFace {
  readonly name?: string;
  readonly box: Area;
  readonly keypoints: readonly Spot[];
  readonly crop: readonly Spot[];
  readonly scores: AnnotatedFace['scores'];
}

function shrunk(
  { box, keypoints, crop }: NonNullable<AnnotatedFace['place']>,
  scale: number,
): Omit<ScaledFace, 'scores' | 'name'> {
  const spot = ({ x, y }: Spot): Spot => ({ x: x * scale, y: y * scale });
  return {
    box: { x: box.x * scale, y: box.y * scale, width: box.width * scale, height: box.height * scale },
    keypoints: keypoints.map(spot),
    crop: crop.map(spot),
  };
}

/** In proportion to the faces, within what can be read and what does not fill the picture. */
function fontSize(faces: readonly ScaledFace[], long: number): number {
  const widths = faces.map(({ box }) => box.width).sort((a, b) => a - b);
  const middle = widths[Math.floor(widths.length / 2)] ?? 0;
  return Math.min(Math.max(0.15 * middle, 0.014 * long), 0.024 * long);
}

function outline({ box, keypoints, crop, scores, name }: ScaledFace, font: number): string {
  const colour = expressionColour(scores[0]?.label ?? '');
  const line = Math.max(1.5, Math.min(0.16 * font, 0.03 * box.width));
  const dot = Math.max(1.2, Math.min(0.16 * font, 0.022 * box.width));
  const rect = `x="${n(box.x)}" y="${n(box.y)}" width="${n(box.width)}" height="${n(box.height)}" rx="${n(0.06 * box.width)}"`;
  const corners = crop.map(({ x, y }) => `${n(x)},${n(y)}`).join(' ');
  const dash = `${n(2.5 * line)} ${n(2 * line)}`;
  return [
    `<polygon points="${corners}" fill="none" stroke="#000" stroke-opacity="0.35" stroke-width="${n(line)}"/>`,
    `<polygon points="${corners}" fill="none" stroke="#fff" stroke-opacity="0.85" stroke-width="${n(0.5 * line)}" stroke-dasharray="${dash}"/>`,
    `<rect ${rect} fill="none" stroke="#000" stroke-opacity="0.4" stroke-width="${n(2 * line)}"/>`,
    `<rect ${rect} fill="none" stroke="${colour}" stroke-width="${n(line)}"/>`,
    ...keypoints.map(
      ({ x, y }) =>
        `<circle cx="${n(x)}" cy="${n(y)}" r="${n(dot)}" fill="#fff" stroke="#000" stroke-opacity="0.55" stroke-width="${n(0.5 * dot)}"/>`,
    ),
    ...(name === undefined ? [] : [tag(box, name, colour, font)]),
  ].join('');
}

/** A name in the box's top left corner. */
function tag({ x, y }: Area, name: string, colour: string, font: number): string {
  const text = svgText(Number(n(x + 0.4 * font)), Number(n(y + 1.05 * font)), name, {
    size: Number(n(font)),
    weight: 700,
    fill: dark,
  });
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(textWidth(name, font, true) + 0.85 * font)}" height="${n(1.4 * font)}" rx="${n(0.3 * font)}" fill="${colour}"/>${text}`;
}

/** A panel for each face where there is room for all, otherwise a line for each. */
function placeLabels(faces: readonly ScaledFace[], picture: Size, font: number, rows: number): string[] {
  return placePanels(faces, picture, font, rows) ?? placeLines(faces, picture, font);
}

function placePanels(faces: readonly ScaledFace[], picture: Size, font: number, rows: number): string[] | undefined {
  const taken: Area[] = faces.map(({ box }) => box);
  const drawn: string[] = [];
  for (const { box, crop, scores } of faces) {
    const shown = scores.slice(0, rows);
    const [above, below, right, left] = around(boundsOf(box, crop), panelSize(shown, font), picture, 0.5 * font);
    const place = [right, left, below, above].find((area) => isFree(area, picture, taken));
    if (place === undefined || box.width < 3 * font) return undefined;
    taken.push(place);
    drawn.push(bars(place, shown, font));
  }
  return drawn;
}

function placeLines(faces: readonly ScaledFace[], picture: Size, font: number): string[] {
  const taken: Area[] = faces.map(({ box }) => box);
  return faces.map(({ box, scores }) => {
    const chip = chipSize(scores[0], font);
    // In a crowd on the face itself, at its lower edge, rather than on another one.
    const within = clamped({ ...chip, x: box.x, y: box.y + box.height - chip.height }, picture);
    const place = around(box, chip, picture, 0.25 * font).find((area) => isFree(area, picture, taken)) ?? within;
    taken.push(place);
    return line(place, scores[0], font);
  });
}

function isFree(area: Area, picture: Size, taken: readonly Area[]): boolean {
  return inside(area, picture) && !taken.some((other) => overlaps(area, other));
}

/** The area that holds a box and the crop about it. */
function boundsOf(box: Area, crop: readonly Spot[]): Area {
  const xs = [box.x, box.x + box.width, ...crop.map((spot) => spot.x)];
  const ys = [box.y, box.y + box.height, ...crop.map((spot) => spot.y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Places for something of a size beside an area. */
function around(
  { x, y, width, height }: Area,
  size: { readonly width: number; readonly height: number },
  picture: { readonly width: number; readonly height: number },
  gap: number,
): readonly [above: Area, below: Area, right: Area, left: Area] {
  const along = Math.max(0, Math.min(x, picture.width - size.width));
  const down = Math.max(0, Math.min(y, picture.height - size.height));
  return [
    { ...size, x: along, y: y - size.height - gap },
    { ...size, x: along, y: y + height + gap },
    { ...size, x: x + width + gap, y: down },
    { ...size, x: x - size.width - gap, y: down },
  ];
}

function clamped(area: Area, picture: { readonly width: number; readonly height: number }): Area {
  const within = (from: number, size: number, most: number): number => Math.max(0, Math.min(from, most - size));
  return {
    ...area,
    x: within(area.x, area.width, picture.width),
    y: within(area.y, area.height, picture.height),
  };
}

type Scores = AnnotatedFace['scores'];
type Size = { readonly width: number; readonly height: number };

/** Widths of text are estimates on the wide side (DejaVu Sans'): there are no metrics of the font that will be found. */
const textWidth = (text: string, font: number, bold = false): number => (bold ? 0.69 : 0.6) * font * [...text].length;
/** The first row of a panel is bold. */
const columnWidth = (texts: readonly string[], font: number): number =>
  Math.max(...texts.map((text, i) => textWidth(text, font, i === 0)), 0);
const labelWidth = (scores: Scores, font: number): number =>
  columnWidth(
    scores.map(({ label }) => label),
    font,
  );
const shareText = ({ probability }: Scores[number]): string => `${percent(probability)}%`;
const barWidth = 5;
const rowHeight = 1.45;
/** Of a panel, in its font's size: to the left, before and behind bars, to the right. */
const [padLeft, gap, padRight] = [0.8, 0.5, 0.7];

function panelSize(scores: Scores, font: number): Size {
  const texts = labelWidth(scores, font) + columnWidth(scores.map(shareText), font);
  return {
    width: texts + (padLeft + gap + barWidth + gap + padRight) * font,
    height: (scores.length * rowHeight + 0.7) * font,
  };
}

/** Labels, bars and percentages on a dark ground. */
function bars({ x, y, width, height }: Area, scores: Scores, font: number): string {
  const left = x + padLeft * font;
  const start = left + labelWidth(scores, font) + gap * font;
  const rows = scores.map((score, i) => {
    const { label, probability } = score;
    const base = y + (0.35 + (i + 0.74) * rowHeight) * font;
    const colour = expressionColour(label);
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
  return score === undefined ? '' : `${score.label} ${percent(score.probability, 0)}%`;
}

function chipSize(score: Scores[number] | undefined, font: number): Size {
  return { width: textWidth(chipText(score), font, true) + 0.9 * font, height: 1.5 * font };
}

function line({ x, y, width, height }: Area, score: Scores[number] | undefined, font: number): string {
  const colour = expressionColour(score?.label ?? '');
  const text = svgText(Number(n(x + 0.45 * font)), Number(n(y + 1.07 * font)), chipText(score), {
    size: Number(n(font)),
    weight: 600,
    fill: dark,
  });
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(0.35 * font)}" fill="${colour}" fill-opacity="0.95"/>${text}`;
}

/** At the bottom left; smaller than `largest` where the picture is narrow. */
function message(text: string, picture: Size, largest: number): string {
  const font = Math.min(largest, picture.width / (textWidth(text, 1) + 1.2));
  const width = textWidth(text, font) + 1.2 * font;
  const [x, y] = [Math.min(0.8 * font, picture.width - width), picture.height - 2.6 * font];
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(1.8 * font)}" rx="${n(0.4 * font)}" fill="${dark}" fill-opacity="0.82"/>${svgText(Number(n(x + 0.6 * font)), Number(n(y + 1.25 * font)), text, { size: Number(n(font)), fill: '#fff' })}`;
}

/** A face crop with all its labels to its right. */
function besideCrop(picture: Size, { scores }: AnnotatedFace): Annotation {
  const font = Math.max(14, 0.026 * Math.max(picture.width, picture.height));
  const panel = panelSize(scores, font);
  const gap = 1.2 * font;
  const height = Math.ceil(Math.max(picture.height, panel.height + 2 * gap));
  const width = Math.ceil(picture.width + panel.width + 2 * gap);
  const place = { ...panel, x: picture.width + gap, y: (height - panel.height) / 2 };
  return { width, height, picture, svg: svg(width, height, [bars(place, scores, font)]) };
}

/** A number of an SVG: hundredths are finer than pixels. */
const n = (value: number): string => String(Math.round(value * 100) / 100);

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join('\n')}</svg>`;
}
