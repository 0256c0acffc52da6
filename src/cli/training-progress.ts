import { countText } from '../common/count-text.js';
import { percent } from '../common/percent.js';
import { printable } from '../common/printable.js';
import type { EpochSummary, StepProgress, TrainListener } from '../node/runs/job.js';
import { duration, grouped, note, noteLines } from './context.js';
import { initText } from './init-options.js';
import { makeBar } from './progress.js';
import { advised } from './settings.js';

/**
 * Shows training on stderr: a bar on a terminal, a line an epoch everywhere; and keeps the epochs.
 * @param about the device, to be told when training begins
 */
export function trainingProgress(about?: string): {
  readonly listener: TrainListener;
  readonly history: readonly EpochSummary[];
  readonly stop: () => void;
} {
  const history: EpochSummary[] = [];
  const bar = makeBar('epoch {epoch} {bar} {value}/{total} | loss {loss} | {speed} images/s | {left} left');
  let shown = false;
  const hide = (): void => {
    if (shown) bar?.stop();
    shown = false;
  };
  const say = (text: string): void => {
    hide();
    note(text);
  };
  const listener: TrainListener = {
    onStart: (info) => {
      if (info.epochsLeft === 0) return;
      if (about !== undefined) say(about);
      say(
        `Training ${countText(info.parameters, 'parameter')} on ${countText(info.trainSamples, 'picture')} of ` +
          `${info.labels.length} classes (${info.labels.join(', ')}), best epoch chosen on ${countText(info.valSamples, 'other')}` +
          `; ${grouped(info.batches)} ${info.batches === 1 ? 'batch' : 'batches'} an epoch on ${info.device}.`,
      );
    },
    onStep: (step) => {
      if (!shown) bar?.start(step.batches, step.batch, payload(step));
      else bar?.update(step.batch, payload(step));
      shown = true;
    },
    onEpoch: (epoch) => {
      history.push(epoch);
      say(line(epoch));
    },
    onInit: (report) => {
      hide();
      noteLines(initText(report));
    },
    onNote: (sentence, settings) => say(advised(sentence, settings)),
    onShared: (shared) => {
      for (const { where, pictures } of shared) {
        const [first] = pictures;
        say(
          `Note: ${grouped(pictures.length)} of the training pictures ${pictures.length === 1 ? 'is' : 'are'} in ${where} too, ` +
            `byte for byte: figures from there flatter. The first: ${printable(`${first?.path} = ${first?.other}`, 300)} ` +
            '(poster check lists all).',
        );
      }
    },
  };
  return { listener, history, stop: hide };
}

function payload({ epoch, epochs, loss, imagesPerSecond, secondsLeft }: StepProgress): object {
  return {
    epoch: `${epoch}/${epochs}`,
    loss: loss.toFixed(3),
    speed: imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0),
    left: duration(secondsLeft),
  };
}

function line(epoch: EpochSummary): string {
  return (
    `epoch ${epoch.epoch}: loss ${epoch.trainLoss.toFixed(4)}, accuracy ${percent(epoch.trainAccuracy)}% | validation ` +
    `loss ${epoch.valLoss.toFixed(4)}, accuracy ${percent(epoch.valAccuracy)}%, mean-class ` +
    `${percent(epoch.valMeanClassAccuracy)}% | ${duration(epoch.seconds)}${epoch.best ? ' | best so far' : ''}`
  );
}
