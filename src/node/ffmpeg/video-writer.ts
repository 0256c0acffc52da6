import { unlinkSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { UserError } from '../../common/errors.js';
import { undoneAtExit } from '../files/ending.js';
import { explainFileError } from '../files/files.js';
import { giveMode, keptMode, makeNew } from '../files/kept-mode.js';
import { removeDeadTemporaries, temporaryFor } from '../files/temporary-files.js';
import { type FfmpegPaths, killProgram, outputOf, type RunningProgram, reasonOf, startProgram } from './ffmpeg.js';

/** Kinds of files that annotated videos are written to. */
export const isVideoFile = (path: string): boolean => /^\.(mp4|m4v|mov|mkv)$/i.test(extname(path));

export interface EncoderOptions extends FfmpegPaths {
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly fps: number;
}

/**
 * Writes a video without sound by the system's ffmpeg: H.264 where it has libx264, else MPEG-4. The file appears under its
 * name when it is whole; also one that is ended early is.
 */
export class VideoWriter {
  readonly #path: string;
  readonly #temporary: string;
  /** Of the file that is replaced. */
  readonly #mode: number | undefined;
  readonly #program: RunningProgram;
  readonly #bytes: number;
  readonly #settled: () => void;

  private constructor(
    path: string,
    temporary: string,
    mode: number | undefined,
    program: RunningProgram,
    bytes: number,
  ) {
    this.#path = path;
    this.#temporary = temporary;
    this.#mode = mode;
    this.#program = program;
    this.#bytes = bytes;
    this.#settled = undoneAtExit(() => {
      program.child.kill('SIGKILL');
      unlinkSync(temporary);
    });
  }

  /** @throws UserError where there is no ffmpeg. */
  static async open(path: string, options: EncoderOptions): Promise<VideoWriter> {
    const { ffmpeg = 'ffmpeg', width, height, fps } = options;
    const { text } = await outputOf(
      ffmpeg,
      ['-hide_banner', '-loglevel', 'error', '-encoders'],
      'The list of encoders',
    );
    const codec = / libx264 /.test(text)
      ? ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20']
      : ['-c:v', 'mpeg4', '-q:v', '3'];
    const kind = extname(path);
    await removeDeadTemporaries(dirname(path));
    // ffmpeg takes the format from the ending.
    const temporary = `${temporaryFor(resolve(path))}${kind}`;
    const mode = await keptMode(path);
    // ffmpeg leaves the permissions of a file that it writes over.
    if (mode !== undefined) {
      await makeNew(temporary, mode).catch((error: unknown) => {
        throw explainFileError(error, 'write', path);
      });
    }
    const input = [
      '-f',
      'rawvideo',
      '-pix_fmt',
      'rgb24',
      '-s',
      `${width}x${height}`,
      '-r',
      String(fps),
      '-i',
      'pipe:0',
    ];
    // Players want sides that are even, and colour at half the resolution.
    const filters = 'pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p';
    const output = ['-vf', filters, ...codec, ...(kind === '.mkv' ? [] : ['-movflags', '+faststart'])];
    const program = startProgram(
      ffmpeg,
      ['-hide_banner', '-loglevel', 'error', '-y', ...input, ...output, `file:${temporary}`],
      'pipe',
      'ignore',
    );
    // What goes wrong is told by how it ends.
    program.child.stdin?.on('error', () => undefined);
    return new VideoWriter(path, temporary, mode, program, width * height * 3);
  }

  /**
   * @param rgb [height, width, 3]; must not change until the promise settles
   * @throws UserError where ffmpeg cannot write, such as on a full disk.
   */
  async write(rgb: Uint8Array): Promise<void> {
    if (rgb.length !== this.#bytes) throw new RangeError(`a frame of ${rgb.length} bytes, not ${this.#bytes}`);
    const { stdin } = this.#program.child;
    if (stdin === null || stdin.destroyed || this.#program.child.exitCode !== null) throw await this.#failure();
    if (stdin.write(rgb)) return;
    // By listeners: each wait on the promise of its end would be kept until then.
    const broken = await new Promise<boolean>((resolve) => {
      const { child } = this.#program;
      const settle = (ended: boolean): void => {
        stdin.off('drain', drained);
        child.off('close', closed);
        resolve(ended);
      };
      const drained = (): void => settle(false);
      const closed = (): void => settle(true);
      stdin.on('drain', drained);
      child.on('close', closed);
    });
    if (broken) throw await this.#failure();
  }

  /** Ends the file and gives it its name. */
  async close(): Promise<void> {
    this.#program.child.stdin?.end();
    const { code } = await this.#program.ended;
    if (code !== 0) throw await this.#failure();
    if (this.#mode !== undefined) await giveMode(this.#temporary, this.#mode);
    await rename(this.#temporary, this.#path).catch(async (error: unknown) => {
      await this.#remove();
      throw explainFileError(error, 'write', this.#path);
    });
    this.#settled();
  }

  /** Gives up: no file is left. */
  async abandon(): Promise<void> {
    await killProgram(this.#program);
    await this.#remove();
  }

  async #remove(): Promise<void> {
    await unlink(this.#temporary).catch(() => undefined);
    this.#settled();
  }

  async #failure(): Promise<UserError> {
    const reason = reasonOf(await this.#program.ended);
    await this.#remove();
    return new UserError(
      `Cannot write ${this.#path} (ffmpeg: ${reason}); check the folder and the free space.`,
      'resources',
    );
  }
}
