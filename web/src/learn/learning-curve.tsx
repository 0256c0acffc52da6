import type { LearnEpoch } from 'poster-v2/train';
import { percentText } from '../ui/index.js';

const [width, height] = [320, 120];

/** Accuracy held out and loss over the epochs. */
export function LearningCurve({ history }: { readonly history: readonly LearnEpoch[] }) {
  const last = history.at(-1);
  if (last === undefined) return null;
  const most = Math.max(...history.flatMap(({ loss }) => loss ?? []), 1e-6);
  const x = (epoch: number): number => (width * epoch) / last.epochs;
  const line = (points: readonly (readonly [number, number])[]): string =>
    points.map(([epoch, share]) => `${x(epoch).toFixed(1)},${(height * (1 - share)).toFixed(1)}`).join(' ');
  const accuracies = history.map(({ epoch, accuracy }) => [epoch, accuracy] as const);
  const losses = history.flatMap(({ epoch, loss }) => (loss === null ? [] : [[epoch, loss / most] as const]));
  const lossText = last.loss === null ? '' : `, loss ${last.loss.toFixed(2)}`;
  return (
    <figure class="curve">
      <svg
        class="curve-plot"
        viewBox={`0 -6 ${width} ${height + 12}`}
        role="img"
        aria-label={`After epoch ${last.epoch}: ${percentText(last.accuracy)} right${lossText}`}
      >
        {[0, 0.5, 1].map((share) => (
          <line key={share} class="curve-grid" x1={0} x2={width} y1={height * share} y2={height * share} />
        ))}
        <polyline class="curve-loss" points={line(losses)} />
        <polyline class="curve-accuracy" points={line(accuracies)} />
        <circle class="curve-now" cx={x(last.epoch)} cy={height * (1 - last.accuracy)} r={4} />
      </svg>
      <figcaption class="curve-legend">
        <span class="curve-key curve-key-accuracy">Right, of those kept: {percentText(last.accuracy)}</span>
        <span class="curve-key curve-key-loss">Loss{last.loss === null ? '' : `: ${last.loss.toFixed(2)}`}</span>
      </figcaption>
    </figure>
  );
}
