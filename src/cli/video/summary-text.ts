import { countText } from '../../common/count-text.js';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { bar } from '../../node/report/bar.js';
import { formatTable } from '../../node/report/text-tables.js';
import type { VideoTotals } from '../../video/index.js';
import { duration } from '../context.js';

/** Faces that are listed. */
const most = 20;

const secondsText = (seconds: number): string => (seconds < 60 ? `${seconds.toFixed(1)} s` : duration(seconds));

/** Who was seen for how long, and with which expressions. */
export function summaryText(name: string, { frames, seconds, rotate, tracks, others }: VideoTotals): string {
  const count = tracks.length + others.count;
  const faces = count === 0 ? 'no face found' : countText(count, 'face');
  const lying = rotate === 0 ? '' : `; most lie: --rotate ${rotate} makes them stand, and more may be found`;
  const head = `${printable(name, 4096)}  ${secondsText(seconds)}, ${countText(frames, 'frame')} processed, ${faces}${lying}`;
  const longest = [...tracks].sort((a, b) => b.seconds - a.seconds);
  const shown = longest.slice(0, most).sort((a, b) => a.id - b.id);
  const blocks = shown.map((track) => {
    const dark = track.lowContrastSeconds > 0 ? `, low contrast for ${secondsText(track.lowContrastSeconds)}` : '';
    const title = `  face ${track.id}  seen ${secondsText(track.seconds)}, from ${duration(track.from)} to ${duration(track.to)}${dark}`;
    const rows = track.expressions.map((one) => [`    ${printable(one.label)}`, secondsText(one.seconds)]);
    const lines = formatTable(rows).split('\n');
    return [
      title,
      ...track.expressions.map((one, i) => `${itemAt(lines, i)}  ${bar(one.seconds / track.seconds, 24)}`.trimEnd()),
    ].join('\n');
  });
  const rest = count - shown.length;
  const more = longest.slice(most).reduce((sum, track) => sum + track.seconds, others.seconds);
  return [
    head,
    ...blocks,
    ...(rest > 0 ? [`  and ${countText(rest, 'more face')}, seen ${secondsText(more)} in all`] : []),
  ].join('\n');
}
