import { useState } from 'preact/hooks';
import { percentText } from '../ui/index.js';
import { type Chosen, faceOf, type History } from './history.js';
import { timeText } from './text.js';
import { areasOf, nearest, type Sample, type Span, samplesOf } from './timeline-shape.js';

interface TimelineProps {
  readonly history: History;
  readonly span: Span;
  readonly labels: readonly string[];
  readonly colours: ReadonlyMap<string, string>;
  readonly chosen: Chosen;
  /** Of the frame that is shown. */
  readonly now: number | undefined;
  /** Undefined where nothing can be sought, as in a camera. */
  readonly onSeek: ((time: number) => void) | undefined;
}

/** Scores of a face over time, as areas that add up to all. */
export function Timeline({ history, span, labels, colours, chosen, now, onSeek }: TimelineProps) {
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const samples = samplesOf(history, span, labels, (frame) => faceOf(frame, chosen));
  const areas = areasOf(samples, span, labels);
  const length = span.to - span.from;
  const time = pointed === undefined ? undefined : Math.min(span.to, Math.max(span.from, pointed));
  const sample = time === undefined ? undefined : nearest(samples, time);
  // What is far away says nothing of the time that is pointed at.
  const near = sample !== undefined && time !== undefined && Math.abs(sample.time - time) <= Math.max(1, length / 100);
  const text = time === undefined ? undefined : near ? sampleText(sample) : 'no face';
  const shown = time ?? now ?? span.from;
  const position = (at: number): string => `${(100 * (at - span.from)) / length}%`;
  const timeAt = (element: HTMLElement, x: number): number => {
    const { left, width } = element.getBoundingClientRect();
    return span.from + (length * (x - left)) / width;
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = length / 100;
    const moves: Readonly<Record<string, number>> = {
      ...{ ArrowLeft: shown - step, ArrowRight: shown + step, ArrowDown: shown - step, ArrowUp: shown + step },
      ...{ PageDown: shown - 10 * step, PageUp: shown + 10 * step, Home: span.from, End: span.to },
    };
    const to = moves[event.key];
    if (to !== undefined) setPointed(Math.min(span.to, Math.max(span.from, to)));
    else if (event.key === 'Enter' && time !== undefined) onSeek?.(time);
    else if (event.key === 'Escape') setPointed(undefined);
    else return;
    event.preventDefault();
  };
  return (
    <div class="timeline">
      <p class="timeline-readout">
        {time === undefined ? (
          <span class="hint">
            {onSeek === undefined
              ? 'Point at the chart, or use the arrow keys, to read values.'
              : 'Point at the chart to read values. Click, or press Enter, to go there.'}
          </span>
        ) : (
          <>
            <b class="timeline-time">{timeText(near ? sample.time : time)}</b> {text}
          </>
        )}
      </p>
      <div
        class="timeline-chart"
        role="slider"
        tabIndex={0}
        aria-label="Time in the chart"
        aria-valuemin={Math.round(span.from)}
        aria-valuemax={Math.round(span.to)}
        aria-valuenow={Math.round(shown)}
        aria-valuetext={`${timeText(shown)}${text === undefined ? '' : `, ${text}`}`}
        onKeyDown={onKey}
        onBlur={() => setPointed(undefined)}
        onPointerMove={({ currentTarget, clientX }) => setPointed(timeAt(currentTarget, clientX))}
        onPointerLeave={() => setPointed(undefined)}
        onClick={({ currentTarget, clientX }) => onSeek?.(timeAt(currentTarget, clientX))}
      >
        <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          {labels.map((label, k) => (
            <path key={label} d={areas[k]} fill={colours.get(label)} />
          ))}
        </svg>
        {now === undefined || now < span.from ? null : <span class="timeline-now" style={{ left: position(now) }} />}
        {time === undefined ? null : <span class="timeline-line" style={{ left: position(time) }} />}
        {history.length === 0 ? <span class="timeline-empty">What is read appears here.</span> : null}
      </div>
      <div class="timeline-axis" aria-hidden="true">
        {[0, 0.5, 1].map((share) => (
          <span key={share}>{timeText(span.from + share * length)}</span>
        ))}
      </div>
    </div>
  );
}

/** The strongest three. */
function sampleText({ scores }: Sample): string {
  return scores
    .toSorted((a, b) => b.probability - a.probability)
    .slice(0, 3)
    .map(({ label, probability }) => `${label} ${percentText(probability)}`)
    .join(', ');
}
