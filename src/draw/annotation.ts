import { defined } from '../common/defined.js';
import { itemAt } from '../common/item-at.js';
import { inkOn } from '../common/label-colours.js';
import {
  bars,
  type ColouredScores,
  chipSize,
  coloured,
  line,
  message,
  n,
  panelSize,
  type Scores,
  type Size,
  unlabelled,
} from './annotation-labels.js';
import { type Area, inside, overlaps } from './area.js';
import { svgText } from './svg-text.js';
import { textWidth } from './text-width.js';

interface Spot {
  readonly x: number;
  readonly y: number;
}

/** A face to be drawn; places are pixels of the picture. */
export interface AnnotatedFace {
  /** Shown in a corner of its box, such as its number in a video or in the list of a picture's faces. */
  readonly name?: string;
  /** Left out for a picture that is a face crop: its labels stand beside it. */
  readonly geometry?: {
    readonly box: Area;
    readonly keypoints: readonly Spot[];
    /** Corners of the crop that the network saw. */
    readonly crop: readonly Spot[];
  };
  /** The most probable first. */
  readonly scores: Scores;
}

export interface Annotation {
  readonly width: number;
  readonly height: number;
  /** The picture's own size on this canvas; it lies at the top left. */
  readonly picture: Size;
  readonly svg: string;
}

/** Small pictures are enlarged until text beside their faces can be read; of huge ones nobody sees the pixels. */
const [leastSide, mostSide] = [900, 4096] as const;
export interface AnnotateOptions {
  /** Labels in a panel of bars. Default 3. */
  readonly rows?: number;
  /** In a crowd enlarge the picture until every face's label finds room. Default false: frames of a video are of one size. */
  readonly grow?: boolean;
}

/** Faces from which on a picture grows for their labels. */
const crowd = 9;

/**
 * Boxes, keypoints, crops and labels over a picture: an SVG and how large the picture is under it. Where there is room beside
 * all faces, they show bars of several labels, otherwise a line each. No label covers another face where that can be avoided.
 */
export function annotate(
  size: Size,
  faces: readonly AnnotatedFace[],
  { rows = 3, grow = false }: AnnotateOptions = {},
): Annotation {
  const long = Math.max(size.width, size.height);
  const most = mostSide / long;
  let scale = long < leastSide ? leastSide / long : Math.min(1, most);
  const [first] = faces;
  if (first !== undefined && first.geometry === undefined) return besideCrop(scaledSize(size, scale), first);
  for (;;) {
    const { crowded, ...annotation } = overPicture(size, faces, scale, rows);
    if (!(crowded && grow && faces.length >= crowd && scale < most)) return annotation;
    scale = Math.min(most, 1.25 * scale);
  }
}

function scaledSize({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function overPicture(
  size: Size,
  faces: readonly AnnotatedFace[],
  scale: number,
  rows: number,
): Annotation & { readonly crowded: boolean } {
  const picture = scaledSize(size, scale);
  const scaled = faces.flatMap(({ geometry, scores, name }) =>
    geometry === undefined
      ? []
      : [{ ...shrunk(geometry, scale), scores: coloured(scores), ...defined<ScaledFace>({ name }) }],
  );
  const font = fontSize(scaled, Math.max(picture.width, picture.height));
  const outlines = scaled.map((face) => outline(face, font));
  const { labels, crowded } =
    scaled.length === 0
      ? { labels: [message('no face found', picture, 1.5 * font)], crowded: false }
      : layoutLabels(scaled, picture, font, rows);
  return { ...picture, picture, svg: svg(picture.width, picture.height, [...outlines, ...labels]), crowded };
}

interface ScaledFace {
  readonly name?: string;
  readonly box: Area;
  readonly keypoints: readonly Spot[];
  readonly crop: readonly Spot[];
  readonly scores: ColouredScores;
}

function shrunk(
  { box, keypoints, crop }: NonNullable<AnnotatedFace['geometry']>,
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
  // Without a face the picture's side alone decides.
  const middle = widths.length === 0 ? 0 : itemAt(widths, Math.floor(widths.length / 2));
  return Math.min(Math.max(0.15 * middle, 0.014 * long), 0.024 * long);
}

function outline({ box, keypoints, crop, scores, name }: ScaledFace, font: number): string {
  const colour = scores[0]?.colour ?? unlabelled;
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

/** A name in the box's top left corner. On a small face it is small, and ends above the eyes. */
function tag({ x, y, width }: Area, name: string, colour: string, largest: number): string {
  const font = Math.min(largest, 0.2 * width);
  const text = svgText(Number(n(x + 0.4 * font)), Number(n(y + 1.05 * font)), name, {
    size: Number(n(font)),
    weight: 700,
    fill: inkOn(colour),
  });
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(textWidth(name, font, true) + 0.85 * font)}" height="${n(1.4 * font)}" rx="${n(0.3 * font)}" fill="${colour}"/>${text}`;
}

interface LabelLayout {
  readonly labels: readonly string[];
  /** Whether some found no room. */
  readonly crowded: boolean;
}

/** A panel for each face where there is room for all, otherwise a line for each. */
function layoutLabels(faces: readonly ScaledFace[], picture: Size, font: number, rows: number): LabelLayout {
  const panels = layoutPanels(faces, picture, font, rows);
  return panels === undefined ? layoutLines(faces, picture, font) : { labels: panels, crowded: false };
}

function layoutPanels(faces: readonly ScaledFace[], picture: Size, font: number, rows: number): string[] | undefined {
  const taken: Area[] = faces.map(({ box }) => box);
  const drawn: string[] = [];
  for (const { box, crop, scores } of faces) {
    const shown = scores.slice(0, rows);
    const [above, below, right, left] = around(boundsOf(box, crop), panelSize(shown, font), picture, 0.5 * font);
    const area = [right, left, below, above].find((one) => isFree(one, picture, taken));
    if (area === undefined || box.width < 3 * font) return undefined;
    taken.push(area);
    drawn.push(bars(area, shown, font));
  }
  return drawn;
}

/** In a crowd the text of lines shrinks until all find room, but not below this, in pixels. */
const leastText = 12;

function layoutLines(faces: readonly ScaledFace[], picture: Size, font: number): LabelLayout {
  const sizes = [...new Set([1, 0.8, 0.64, 0.5].map((share) => Math.max(leastText, share * font)))];
  let layout: LabelLayout = { labels: [], crowded: true };
  for (const size of sizes) {
    layout = linesOf(size, faces, picture);
    if (!layout.crowded) break;
  }
  return layout;
}

function linesOf(font: number, faces: readonly ScaledFace[], picture: Size): LabelLayout {
  const taken: Area[] = faces.map(({ box }) => box);
  let crowded = false;
  const labels = faces.map(({ box, scores }) => {
    const chip = chipSize(scores[0], font);
    const free = around(box, chip, picture, 0.25 * font).find((one) => isFree(one, picture, taken));
    crowded ||= free === undefined;
    // Where there is no room, on the face itself, at its lower edge, rather than on another one.
    const area = free ?? clamped({ ...chip, x: box.x, y: box.y + box.height - chip.height }, picture);
    taken.push(area);
    return line(area, scores[0], font);
  });
  return { labels, crowded };
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
  size: Size,
  picture: Size,
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

function clamped(area: Area, picture: Size): Area {
  const within = (from: number, size: number, most: number): number => Math.max(0, Math.min(from, most - size));
  return {
    ...area,
    x: within(area.x, area.width, picture.width),
    y: within(area.y, area.height, picture.height),
  };
}

/** A face crop with all its labels to its right. */
function besideCrop(picture: Size, { scores }: AnnotatedFace): Annotation {
  const font = Math.max(14, 0.026 * Math.max(picture.width, picture.height));
  const panel = panelSize(scores, font);
  const gap = 1.2 * font;
  const height = Math.ceil(Math.max(picture.height, panel.height + 2 * gap));
  const width = Math.ceil(picture.width + panel.width + 2 * gap);
  const area = { ...panel, x: picture.width + gap, y: (height - panel.height) / 2 };
  return { width, height, picture, svg: svg(width, height, [bars(area, coloured(scores), font)]) };
}

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join('\n')}</svg>`;
}
