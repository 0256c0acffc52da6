import {
  type DetectOptions,
  defaultScales,
  type Face,
  type FaceDetector,
  intersectionOverUnion,
  lies,
} from '../detect/index.js';
import { checkFindFacesOptions, type FindFacesOptions } from './frame-options.js';
import { inFrame, levelOf, type Pyramid } from './pyramid.js';
import { isCut, type Thumbnail, thumbnail } from './scene-cut.js';
import { FaceTracker, type TrackedFace } from './tracker.js';

/** Frames are searched turned so often, in seconds, where they may lie: it takes four times as long. */
const turnEvery = 5;

/** Two boxes that overlap as much are one face. */
const sameFace = 0.3;
/** Least score of a face that is followed. It is known to be there, so less is needed than for finding it. */
const followScore = 0.5;

/**
 * Finds the faces of frames that follow each other. Whole frames are searched now and then, at once after a cut and when a
 * face is lost; in between known faces are looked for only where they should be, which takes a small part of the time.
 */
export class FrameFaces {
  readonly #detector: FaceDetector;
  readonly #tracker: FaceTracker;
  readonly #searchEvery: number;
  readonly #detect: Omit<DetectOptions, 'signal'>;
  #searched = Number.NEGATIVE_INFINITY;
  #turned = Number.NEGATIVE_INFINITY;
  #before: Thumbnail | undefined;

  constructor(detector: FaceDetector, { searchEvery = 0.5, detect = {}, ...tracking }: FindFacesOptions = {}) {
    checkFindFacesOptions({ searchEvery, detect });
    this.#detector = detector;
    this.#tracker = new FaceTracker(tracking);
    this.#searchEvery = searchEvery;
    this.#detect = detect;
  }

  /** Whatever comes next is another scene, at any time: no face goes on. */
  cut(): void {
    this.#tracker.cut();
    this.#searched = Number.NEGATIVE_INFINITY;
    this.#turned = Number.NEGATIVE_INFINITY;
    this.#before = undefined;
  }

  /** @param time in seconds, later than that of the frame before */
  async next(time: number, pyramid: Pyramid): Promise<TrackedFace[]> {
    const now = thumbnail(pyramid[0]);
    if (this.#before !== undefined && isCut(this.#before, now)) {
      this.#tracker.cut();
      this.#searched = Number.NEGATIVE_INFINITY;
    }
    this.#before = now;
    return this.#tracker.update(time, await this.#facesOf(time, pyramid));
  }

  async #facesOf(time: number, pyramid: Pyramid): Promise<Face[]> {
    const expected = this.#tracker.expected(time);
    // Half a millisecond: sums of frame times are not exact.
    if (time - this.#searched < this.#searchEvery - 5e-4) {
      const followed = await this.#follow(
        pyramid,
        expected.map(({ face }) => face),
      );
      const kept = distinct(followed);
      const visible = expected.filter((one) => one.visible).length;
      const allFound = expected.every((one, i) => !one.visible || followed[i] !== undefined);
      // Two that are seen in one place are one face, and the other is lost.
      if (allFound && kept.length >= visible) return kept.slice(0, this.#detect.maxFaces);
    }
    this.#searched = time;
    // Where a face is known and stands, so does the frame.
    const mayLie = expected.every(({ face }) => lies(face)) && time - this.#turned >= turnEvery - 5e-4;
    const upright = await this.#search(pyramid, this.#detect.turned ?? false);
    const turn = mayLie && this.#detect.turned === undefined && !upright.some((face) => !lies(face));
    if (turn) this.#turned = time;
    const found = turn ? await this.#search(pyramid, true) : upright;
    const missing = expected
      .map(({ face }) => face)
      .filter((face) => !found.some(({ box }) => intersectionOverUnion(box, face.box) >= sameFace));
    const all = distinct([...found, ...(await this.#follow(pyramid, missing))]);
    return all.slice(0, this.#detect.maxFaces);
  }

  async #search(pyramid: Pyramid, turned: DetectOptions['turned'] & {}): Promise<Face[]> {
    const { minSize, scales = defaultScales } = this.#detect;
    const level = levelOf(pyramid, Math.max(...scales));
    const shrunk = level.width / pyramid[0].width;
    const options = { ...this.#detect, turned, ...(minSize === undefined ? {} : { minSize: minSize * shrunk }) };
    return (await this.#detector.detect(level, options)).map((face) => inFrame(pyramid, level, face));
  }

  async #follow(pyramid: Pyramid, faces: readonly Face[]): Promise<(Face | undefined)[]> {
    if (faces.length === 0) return [];
    const { minSize = 0 } = this.#detect;
    const followed = await this.#detector.follow(pyramid, faces, followScore);
    return followed.map((face) => (face !== undefined && face.box.width >= minSize ? face : undefined));
  }
}

/** Two that were looked for may have been seen in one place. */
function distinct(faces: readonly (Face | undefined)[]): Face[] {
  const kept: Face[] = [];
  for (const face of faces) {
    if (face === undefined) continue;
    if (!kept.some(({ box }) => intersectionOverUnion(box, face.box) >= 2 * sameFace)) kept.push(face);
  }
  return kept;
}
