import { type Advice, UserError } from '../../../common/errors.js';
import { increaseOf } from '../../../common/item-at.js';
import type { LabelSet } from '../../../common/labels.js';
import { printable } from '../../../common/printable.js';

/** A picture of a release, and where it belongs. */
export interface ReleasePicture {
  readonly split: string;
  /** Index into the labels. */
  readonly label: number;
  /** Absolute path in the release: of the picture, or of the file that holds its `pixels`. */
  readonly from: string;
  /** A picture that is written in a list: square, gray, [side, side]. */
  readonly pixels?: { readonly side: number; readonly data: Uint8Array };
  /** Path within the class folder, `/` between its parts. */
  readonly name: string;
  /** File, and line where it has lines, that says all this. */
  readonly origin: { readonly by: string; readonly line?: number };
  /** How people labelled it (FER+). */
  readonly votes?: { readonly majority: boolean; readonly votes: readonly number[] };
}

/** What a reader makes of a release: lists only, no picture is opened. */
export interface Release {
  /** Which of a dataset's layouts it has, in words. */
  readonly layout: string;
  readonly labels: LabelSet;
  /** Class folder of each label. */
  readonly folders: readonly string[];
  /** In the order of the output. */
  readonly splits: readonly string[];
  readonly pictures: readonly ReleasePicture[];
  /** Pictures that are not meant to be in the dataset, counted by reason. */
  readonly leftOut: LeftOut;
  /** What the user should know. */
  readonly warnings: readonly Advice[];
}

/** Counts of what is left out on purpose, by split and reason. */
export class LeftOut {
  readonly #counts = new Map<string, Map<string, number>>();

  add(split: string, reason: string): void {
    const ofSplit = this.#counts.get(split) ?? new Map<string, number>();
    increaseOf(ofSplit, reason);
    this.#counts.set(split, ofSplit);
  }

  of(split: string): { readonly reason: string; readonly pictures: number }[] {
    return [...(this.#counts.get(split) ?? [])].map(([reason, pictures]) => ({ reason, pictures }));
  }
}

/**
 * Lines and pictures of a release that cannot be used. The first is an error, unless they are to be left out, listed
 * and counted.
 */
export class Problems {
  readonly #skip: boolean;
  readonly #found: string[] = [];

  constructor(skip: boolean) {
    this.#skip = skip;
  }

  /** @param what the sentence without its full stop: file, line and what is wrong there. */
  add(what: string): void {
    if (!this.#skip) {
      throw new UserError(`${what}; mend it, take it from the release again, or skip what is bad.`, 'input', {
        settings: ['skipBad'],
      });
    }
    this.#found.push(`${what}.`);
  }

  /** The same with a sentence that is complete already. */
  addError(error: UserError): void {
    if (!this.#skip) throw error;
    this.#found.push(error.message);
  }

  get found(): readonly string[] {
    return this.#found;
  }
}

/** `FILE, line 12,`, to begin a sentence with. */
export function originText({ by, line }: ReleasePicture['origin']): string {
  return line === undefined ? by : `${by}, line ${line},`;
}

/** Whether text from a release may become a path: plain names below the folder, nothing hidden, nothing that leads out. */
export function isSafePath(path: string): boolean {
  if (path.length > 500) return false;
  return path.split('/').every((part) => /^[\p{L}\p{N}_][\p{L}\p{N}_.,()+@~ -]{0,200}$/u.test(part));
}

/** Adds the problem, and is undefined, where a release names a picture by a path that leads elsewhere. */
export function safePath(path: string, origin: ReleasePicture['origin'], problems: Problems): string | undefined {
  if (isSafePath(path)) return path;
  problems.add(
    `${originText(origin)} names the picture '${printable(path, 60)}', which is not a plain path within the release`,
  );
  return undefined;
}
