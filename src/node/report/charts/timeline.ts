import type { TopLevelSpec } from 'vega-lite';
import { itemAt } from '../../../common/item-at.js';
import { inkOn, labelColours } from '../../../common/label-colours.js';
import { printable } from '../../../common/printable.js';
import { columnsOf } from '../../../draw/text-width.js';
import { hours } from '../../draw/text.js';
import { paint } from './theme.js';
import { indicesOf, nameExpression } from './vega-names.js';

type Panel = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number];

/** A face's way through a video. Times are seconds. */
export interface TimelineTrack {
  readonly id: number;
  readonly seconds: number;
  /** The longest first. */
  readonly expressions: readonly { readonly label: string; readonly seconds: number }[];
  readonly bins: readonly { readonly from: number; readonly to: number; readonly values: readonly number[] }[];
  /** A picture of the face, as a data URL. */
  readonly face?: string;
}

export interface Timeline {
  readonly title: string;
  readonly labels: readonly string[];
  /** First and last second of the video. */
  readonly span: readonly [number, number];
  readonly tracks: readonly TimelineTrack[];
}

const width = 820;
const height = 74;
const strip = 17;
const faceSize = 52;
/** The longest tracks are shown. */
const most = 12;
/** Between two bins, in seconds; what is further apart is a gap. */
const touching = 1e-3;
/** A name fits into a stretch of so many units a letter. */
const letter = 7.2;

const [ink, faint] = [paint('ink'), paint('faint')];

/** Expressions over time: a row a face, the share of each label as coloured layers, above them the name of the strongest. */
export function timelineChart({ title, labels, span, tracks }: Timeline): TopLevelSpec {
  const shown = [...tracks]
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, most)
    .sort((a, b) => a.id - b.id);
  const hidden = tracks.length - shown.length;
  const faces = tracks.length === 1 ? '1 face' : `${tracks.length} faces`;
  const subtitle = `${hours(span[1] - span[0])}, ${faces}${hidden > 0 ? `; the ${most} seen longest are shown` : ''}`;
  const names = labels.map((label) => printable(label, 40));
  const common = { names, colours: labelColours(labels), span };
  return {
    title: { text: printable(title, 100), subtitle, anchor: 'start', frame: 'bounds', offset: 18 },
    vconcat:
      shown.length === 0
        ? [emptyPanel(common)]
        : shown.map((track, i) => trackPanel(track, common, i === 0, i === shown.length - 1)),
    spacing: 22,
    config: { view: { stroke: null } },
  };
}

interface Common {
  readonly names: readonly string[];
  readonly colours: readonly string[];
  readonly span: readonly [number, number];
}

/** As many as fit beside each other, so that all names are whole. */
const legendColumns = (names: readonly string[]): number =>
  Math.max(1, Math.floor(width / (letter * Math.max(0, ...names.map(columnsOf)) + 36)));

function timeAxis([from, to]: readonly [number, number]): object {
  const fine = to - from < 6;
  const text = fine
    ? "format(datum.value, '.1f') + ' s'"
    : "floor(datum.value / 60) + ':' + format(datum.value % 60, '02d')";
  return {
    labelExpr: text,
    tickMinStep: fine ? 0.1 : 1,
    tickCount: 10,
    grid: false,
    domain: true,
    ticks: true,
    title: null,
  };
}

function timeScale([from, to]: readonly [number, number]): { domain: [number, number]; nice: false } {
  return { domain: [from, to], nice: false };
}

function trackPanel(track: TimelineTrack, { names, colours, span }: Common, first: boolean, last: boolean): Panel {
  const x = {
    field: 'time',
    type: 'quantitative' as const,
    scale: timeScale(span),
    axis: last ? timeAxis(span) : null,
  };
  const color = {
    field: 'label',
    type: 'nominal' as const,
    scale: { domain: indicesOf(names), range: [...colours] },
    legend: first
      ? {
          labelExpr: nameExpression(names),
          labelLimit: 0,
          columns: legendColumns(names),
          orient: 'top' as const,
          direction: 'horizontal' as const,
          title: null,
          symbolType: 'square' as const,
          symbolSize: 140,
          symbolStrokeWidth: 0,
          labelFontSize: 12,
          labelColor: faint,
          columnPadding: 16,
          offset: 14,
        }
      : null,
  };
  const perSecond = width / Math.max(span[1] - span[0], 1e-9);
  const runs = runsOf(track, names, colours);
  const named = runs.filter(({ name, from, to }) => (to - from) * perSecond > letter * columnsOf(name) + 8);
  const [mostly] = track.expressions;
  const share = mostly === undefined ? '' : `${Math.round((100 * mostly.seconds) / Math.max(track.seconds, 1e-9))}%`;
  const about: readonly (readonly [string, number, string, number])[] = [
    [`Face ${track.id}`, 18, ink, 600],
    [mostly === undefined ? '' : `${printable(mostly.label, 24)} ${share}`, 37, faint, 400],
    [`seen ${hours(track.seconds)}`, 55, faint, 400],
  ];
  const left = -112;
  return {
    width,
    height,
    layer: [
      {
        data: { values: layersOf(track, names) },
        mark: { type: 'area', interpolate: 'monotone', opacity: 0.92, line: false },
        encoding: {
          x,
          y: {
            field: 'low',
            type: 'quantitative',
            scale: { domain: [0, 1], range: [height, strip + 5], nice: false },
            axis: null,
          },
          y2: { field: 'high' },
          color,
          detail: { field: 'segment' },
        },
      },
      {
        data: { values: runs },
        mark: { type: 'rect', height: strip, y: strip / 2, cornerRadius: 2 },
        encoding: { x: { ...x, field: 'from' }, x2: { field: 'to' }, color: { ...color, legend: null } },
      },
      {
        data: { values: named },
        mark: { type: 'text', y: strip / 2, fontSize: 11.5, fontWeight: 600, baseline: 'middle', dy: 0.5 },
        encoding: {
          x: { ...x, field: 'middle' },
          text: { field: 'name' },
          color: { field: 'ink', type: 'nominal', scale: null },
        },
      },
      ...about.map(([text, y, colour, weight]) => ({
        data: { values: [{}] },
        mark: {
          type: 'text' as const,
          text,
          x: left,
          y,
          align: 'left' as const,
          baseline: 'middle' as const,
          fontSize: weight === 600 ? 13.5 : 12,
          fontWeight: weight === 600 ? (600 as const) : (400 as const),
          color: colour,
        },
      })),
      ...(track.face === undefined
        ? []
        : [
            {
              data: { values: [{ url: track.face }] },
              mark: {
                type: 'image' as const,
                width: faceSize,
                height: faceSize,
                x: left - faceSize / 2 - 14,
                y: height / 2,
                aspect: true,
              },
              encoding: { url: { field: 'url', type: 'nominal' as const } },
            },
          ]),
    ],
  };
}

function emptyPanel({ span }: Common): Panel {
  return {
    width,
    height,
    data: { values: [{}] },
    layer: [
      { mark: { type: 'text', text: 'No face was found.', fontSize: 14, color: faint } },
      {
        data: { values: [{ time: span[0] }] },
        mark: { type: 'point', opacity: 0 },
        encoding: { x: { field: 'time', type: 'quantitative', scale: timeScale(span), axis: timeAxis(span) } },
      },
    ],
  };
}

/** Layers from the bottom up: where the labels before end, each begins. Points at the middle of bins and at the ends. */
function layersOf({ bins }: TimelineTrack, names: readonly string[]): object[] {
  const rows: object[] = [];
  let segment = 0;
  bins.forEach(({ from, to, values }, i) => {
    const opens = i === 0 || from - itemAt(bins, i - 1).to > touching;
    const closes = (bins[i + 1]?.from ?? Number.POSITIVE_INFINITY) - to > touching;
    if (opens) segment++;
    const times = [...(opens ? [from] : []), (from + to) / 2, ...(closes ? [to] : [])];
    const sum = values.reduce((all, value) => all + value, 0) || 1;
    let low = 0;
    for (const label of names.keys()) {
      const high = low + itemAt(values, label) / sum;
      for (const time of times) rows.push({ time, label, low, high, segment: `${segment} ${label}` });
      low = high;
    }
  });
  return rows;
}

interface Run {
  /** Index. */
  readonly label: number;
  readonly name: string;
  /** Of the name on the label's colour. */
  readonly ink: string;
  readonly from: number;
  to: number;
  middle: number;
}

/** Stretches in which one label is the strongest. */
function runsOf({ bins }: TimelineTrack, names: readonly string[], colours: readonly string[]): Run[] {
  const runs: Run[] = [];
  for (const { from, to, values } of bins) {
    const label = values.indexOf(Math.max(...values));
    const name = names[label];
    const colour = colours[label];
    if (name === undefined || colour === undefined) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.label === label && from - last.to <= touching) {
      last.to = to;
      last.middle = (last.from + to) / 2;
    } else {
      runs.push({ label, name, ink: inkOn(colour), from, to, middle: (from + to) / 2 });
    }
  }
  return runs;
}
