import { countText } from '../common/count-text.js';
import { grouped, note } from './context.js';
import { ExitCode } from './exit-code.js';
import type { Predicted } from './prediction-output.js';
import type { PredictionOutputFlags } from './prediction-outputs.js';

/** Counts what came of pictures, for what a list of results does not show at a glance. */
export class PredictionTally {
  readonly #count = { done: 0, failed: 0, faceless: 0, several: 0, animated: 0, unwritten: 0, without: 0 };

  /** Pictures so far. */
  get done(): number {
    return this.#count.done;
  }

  add({ faces, frames, animated, unwritten }: Predicted): void {
    this.#count.done++;
    if (faces.length === 0) this.#count.faceless++;
    if (frames > 1) this.#count.several++;
    if (animated === true) this.#count.animated++;
    if (unwritten !== undefined) this.#count.unwritten++;
  }

  /** A picture that could not be read. */
  fail(): void {
    this.#count.done++;
    this.#count.failed++;
  }

  /** A folder or glob that has no picture. */
  withoutPictures(): void {
    this.#count.without++;
  }

  /** Tells it, and sets the exit code. @param total pictures that there were to be */
  summarise(total: number, aligned: boolean, { json, jsonl, csv }: PredictionOutputFlags): void {
    const { done, failed, faceless, several, animated, unwritten, without } = this.#count;
    const some = (pictures: number): string => `${grouped(pictures)} of ${countText(total, 'picture')}`;
    const forPrograms = json === true || jsonl === true || csv === '-';
    if (faceless > 0 && (forPrograms || total > 1)) {
      note(total === 1 ? 'No face was found.' : `No face was found in ${some(faceless)}.`);
    }
    // Text says it with each picture, and so does JSON with boxes.
    if (several > 0 && (csv === '-' || (forPrograms && aligned))) {
      note(`Only the first frame was read ${total === 1 ? 'of an animation' : `in ${some(several)}`}.`);
    }
    if (animated > 0) note('--animation reads all frames, as of a video.');
    if (failed > 0 && total > 1) note(`${some(failed)} could not be read: see above.`);
    if (unwritten > 0 && total > 1) note(`Files of ${some(unwritten)} could not be written: see above.`);
    if (done < total) note(`Stopped after ${some(done)}; their results are complete.`);
    if (failed + unwritten + without > 0) process.exitCode = ExitCode.input;
    if (done < total) process.exitCode = ExitCode.interrupted;
  }
}
