import sharp from 'sharp';
import { Ahead } from '../common/ahead.js';
import { cropTemplateFor } from '../common/crop-templates.js';
import { defined } from '../common/defined.js';
import { isOfKind, UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { shownAddress } from '../common/printable.js';
import type { Picture } from '../image/resize.js';
import { decodeImage, pictureNameOf } from '../node/decode/decode-image.js';
import type { Recognition, RecognizedFace } from '../recognize/recognition.js';
import { type Client, type ClientOptions, createClient } from '../service/client.js';
import type { DetectOptionsSent } from '../service/request-options.js';
import { bytesOfInput, type PictureInput } from './picture-inputs.js';
import type { PictureReader, ReadingOptions } from './prediction-run.js';

/** Requests that are under way at a time: their faces share runs of the server's network. */
const inFlight = 4;

/**
 * A server that reads pictures as if the network were here.
 * @throws UserError where it cannot be asked
 */
export async function openServer(options: ClientOptions, detect: DetectOptionsSent): Promise<PictureReader> {
  const client = createClient(options);
  const { models } = await client.models();
  const { name, labels, preprocessing, aligned } = itemAt(models, 0);
  return {
    checkpoint: shownAddress(options.url),
    description: { model: { name }, labels },
    aligned,
    template: cropTemplateFor(preprocessing),
    settle: (inputs, keep) => settle(client, inputs, detect, keep),
    dispose: async () => undefined,
  };
}

async function* settle(
  client: Client,
  inputs: Iterable<PictureInput> | AsyncIterable<PictureInput>,
  detect: DetectOptionsSent,
  keep: ReadingOptions,
): AsyncGenerator<PromiseSettledResult<Recognition>, void, void> {
  const wanted = async function* (): AsyncGenerator<PictureInput, void, void> {
    for await (const input of inputs) {
      if (keep.until.aborted) return;
      yield input;
    }
  };
  const ahead = new Ahead(wanted(), inFlight, async (input): Promise<PromiseSettledResult<Recognition>> => {
    try {
      return { status: 'fulfilled', value: await recognized(client, input, detect, keep) };
    } catch (reason) {
      // Others are of the server, and no other picture would fare better.
      if (!isOfKind(reason, 'input')) throw reason;
      return { status: 'rejected', reason };
    }
  });
  try {
    for (let next = await ahead.next(); next !== undefined; next = await ahead.next()) yield next.value;
  } finally {
    await ahead.close();
  }
}

async function recognized(
  client: Client,
  { image }: PictureInput,
  detect: DetectOptionsSent,
  keep: ReadingOptions,
): Promise<Recognition> {
  const called = image === '-' ? 'Standard input' : pictureNameOf(image, '');
  const bytes = await bytesOfInput(image, called);
  const { faces, width, height, frames } = await client
    .recognize(bytes, { ...detect, ...(keep.crops ? { crops: true } : {}) })
    .catch((error: unknown) => {
      throw isOfKind(error, 'input') ? new UserError(named(error.message, called), 'input', { cause: error }) : error;
    });
  const pending = faces.map(async ({ crop, ...face }) => ({
    ...face,
    ...defined<Pick<RecognizedFace, 'crop'>>({
      crop: crop === undefined ? undefined : await pictureOfPng(crop, called),
    }),
  }));
  const decoded = keep.picture ? await decodeImage(bytes, { transparency: 'white', name: called }) : undefined;
  return {
    width,
    height,
    frames,
    faces: await Promise.all(pending),
    ...defined<Recognition>({ picture: decoded?.picture }),
  };
}

/** A server knows no names: the picture of a request is its first. */
function named(sentence: string, called: string): string {
  const first = /^(Picture 1|The picture)\b/;
  return first.test(sentence) ? sentence.replace(first, () => called) : `${called} was refused: ${sentence}`;
}

async function pictureOfPng(base64: string, called: string): Promise<Picture> {
  const { data, info } = await sharp(Buffer.from(base64, 'base64'))
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      const sentence = `The server's crop of a face in ${called} is no picture; look whether its version is this one's.`;
      throw new UserError(sentence, 'resources', { cause: error });
    });
  return { data, width: info.width, height: info.height, channels: info.channels === 1 ? 1 : 3 };
}
