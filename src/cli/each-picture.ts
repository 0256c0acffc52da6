import { countText } from '../common/count-text.js';
import { UserError } from '../common/errors.js';
import type { ImageSource, Transparency } from '../image/image-source.js';
import { note } from './context.js';
import { ExitCode } from './exit-code.js';
import { stopOnSignals } from './interrupt.js';
import { decodeInput, type PictureInput, type PictureInputs } from './picture-inputs.js';
import { countBar } from './progress.js';
import { sentenceOf } from './settings.js';

/** A picture, or a folder of them, that could not be used. */
export interface FailedPicture {
  readonly image: string;
  readonly reason: string;
}

/** What a command does with pictures that it takes one by one. */
export interface PictureUse {
  /** Of a picture from standard input, which is decoded before it is used: nothing else knows it by that name. */
  readonly transparency: Transparency;
  /**
   * @param source the file of the picture, or the pixels of standard input
   * @param index of the input
   * @param say tells a sentence beside the bar
   * @throws UserError of kind `input` where the picture cannot be used: the others are
   */
  use(source: ImageSource, input: PictureInput, index: number, say: (sentence: string) => void): Promise<void>;
  /** Prints the results. It is called after a failure too, such as a full disk: what was done stays. */
  print(failed: readonly FailedPicture[]): void;
}

/**
 * Uses one picture after another, with a bar, until there are no more or the user stops it. Sets the exit code for pictures that
 * could not be used, and for those that are left.
 */
export async function eachPicture({ inputs, without }: PictureInputs, work: PictureUse): Promise<void> {
  const { transparency, use, print } = work;
  const failed: FailedPicture[] = [];
  const progress = countBar('pictures');
  const say = (sentence: string): void => {
    progress.hide();
    note(sentence);
  };
  const fail = (image: string, reason: UserError): void => {
    failed.push({ image, reason: sentenceOf(reason) });
    say(`poster: ${sentenceOf(reason)}`);
  };
  const stop = stopOnSignals('Finishing this picture, then stopping; press again to quit at once.');
  let done = 0;
  try {
    for (const { name, reason } of without) fail(name, reason);
    for (const [i, input] of inputs.entries()) {
      if (stop.signal.aborted) break;
      try {
        const { name, image } = input;
        await use(image === '-' ? (await decodeInput(image, { transparency, name })).picture : image, input, i, say);
      } catch (error) {
        if (!(error instanceof UserError) || error.kind !== 'input') throw error;
        fail(input.name, error);
      }
      progress.update(++done, inputs.length);
    }
  } finally {
    progress.stop();
    stop.release();
    print(failed);
  }
  if (failed.length > 0) process.exitCode = ExitCode.input;
  if (done < inputs.length) {
    note(`Stopped after ${done} of ${countText(inputs.length, 'picture')}.`);
    process.exitCode = ExitCode.interrupted;
  }
}
