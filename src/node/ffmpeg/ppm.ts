import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { Picture } from '../../image/resize.js';

/** A header is `P6`, width, height and 255 between line breaks or spaces. */
const maxHeader = 48;
/** A frame of 8192 x 8192 has as many. */
const maxPixels = 2 ** 26;

/**
 * Cuts a stream of binary PPM pictures, one after the other, into pictures: each says its own size, so that nothing has to be
 * known of the video before. A last one that is cut short is dropped.
 * @throws UserError for anything that is no such picture or too large, before memory is taken for it.
 */
export class PpmReader {
  #header = '';
  #picture: { width: number; height: number; data: Uint8Array } | undefined;
  #filled = 0;

  /** @returns the pictures that end in this chunk */
  push(chunk: Uint8Array): Picture[] {
    const done: Picture[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#picture === undefined) {
        at = this.#readHeader(chunk, at);
        continue;
      }
      const { width, height, data } = this.#picture;
      const part = chunk.subarray(at, at + data.length - this.#filled);
      data.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < data.length) continue;
      done.push({ width, height, channels: 3, data });
      this.#picture = undefined;
    }
    return done;
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      this.#header += String.fromCharCode(itemAt(chunk, at));
      const [, w, h] = /^P6\s+(\d{1,6})\s+(\d{1,6})\s+255\s$/.exec(this.#header) ?? [];
      if (w !== undefined && h !== undefined) {
        const [width, height] = [Number(w), Number(h)];
        if (!(width > 0 && height > 0 && width * height <= maxPixels)) {
          throw new UserError(
            `Frames of ${width} x ${height} pixels are not accepted: from 1 to ${maxPixels} pixels are.`,
          );
        }
        this.#picture = { width, height, data: new Uint8Array(width * height * 3) };
        this.#filled = 0;
        this.#header = '';
        return at + 1;
      }
      if (this.#header.length > maxHeader) throw new UserError('ffmpeg gave something else than frames; update it.');
    }
    return chunk.length;
  }
}
