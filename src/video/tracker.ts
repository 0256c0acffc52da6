import { assign } from '../common/assignment.js';
import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { type Box, centreOf, type Face, intersectionOverUnion, transformedFace } from '../detect/index.js';
import { checkTrackerOptions, type TrackerOptions } from './frame-options.js';

/** A face of a frame and whose it is. */
export interface TrackedFace {
  /** The same for a face in all frames: 1, 2, ... in the order in which faces began to count. */
  readonly id: number;
  readonly face: Face;
}

/** Where a face that is followed should be now. */
export interface ExpectedFace {
  readonly face: Face;
  /** It was seen in the last frame. */
  readonly visible: boolean;
}

interface Track {
  id: number | undefined;
  face: Face;
  lastTime: number;
  /** Of its centre, in pixels a second. */
  vx: number;
  vy: number;
}

/** A face goes on as it moved for about this long, in seconds. */
const inertia = 0.4;
/** How fast measured motion is believed, in seconds. */
const motionMemory = 0.15;
/** How far from its expected place a face may be: 0.85 is an overlap (IoU) of 0.15. It grows with the time since it was seen. */
const reach = 0.85;
const reachPerSecond = 1;
/** From one sighting to the next a face becomes at most so many times as large or small. */
const maxGrowth = 2;

/**
 * Follows faces from frame to frame by overlap and motion. A face keeps its id while it is hidden for a moment; which face
 * is which is decided for all at once, so that they do not swap when they pass each other.
 */
export class FaceTracker {
  readonly #maxGap: number;
  readonly #sureScore: number;
  #tracks: Track[] = [];
  #last: number | undefined;
  #given = 0;

  /** @throws UserError (kind `usage`) for options that cannot be */
  constructor({ maxGap = 1, sureScore = 0.7 }: TrackerOptions = {}) {
    checkTrackerOptions({ maxGap, sureScore });
    this.#maxGap = maxGap;
    this.#sureScore = sureScore;
  }

  /** Where the faces that are followed should be at `time`. */
  expected(time: number): ExpectedFace[] {
    return this.#alive(time).map((track) => ({ face: advanced(track, time), visible: track.lastTime === this.#last }));
  }

  /**
   * @param time of the frame in seconds, later than the one before
   * @param faces all that are seen in it
   * @returns those that count, in the order of their ids
   * @throws UserError (kind `usage`) where it is not
   */
  update(time: number, faces: readonly Face[]): TrackedFace[] {
    if (this.#last !== undefined && !(time > this.#last)) {
      throw new UserError(
        `A frame at ${time} s does not come after the one at ${this.#last} s; give frames in the order of their times.`,
        'usage',
      );
    }
    const alive = this.#alive(time);
    const found = assign(
      alive.map((track) => {
        const { box } = advanced(track, time);
        const limit = reach + Math.min(1, reachPerSecond * (time - track.lastTime));
        return faces.map((face) => limit - distance(box, face.box));
      }),
    );
    const kept: Track[] = [];
    const now: Track[] = [];
    alive.forEach((track, i) => {
      const match = found[i];
      const face = match === undefined ? undefined : itemAt(faces, match);
      if (face !== undefined) {
        now.push(sighted(track, face, time));
      } else if (track.id !== undefined) {
        kept.push(track);
      }
    });
    const taken = new Set(found);
    faces.forEach((face, j) => {
      if (!taken.has(j)) now.push({ id: undefined, face, lastTime: time, vx: 0, vy: 0 });
    });
    const known = new Set(alive);
    for (const track of now) {
      if (track.id === undefined && (known.has(track) || track.face.score >= this.#sureScore)) track.id = ++this.#given;
    }
    this.#tracks = [...now, ...kept];
    this.#last = time;
    return now.flatMap(({ id, face }) => (id === undefined ? [] : [{ id, face }])).sort((a, b) => a.id - b.id);
  }

  /** Whatever comes next is another scene: all tracks end, and times may begin anew. Ids go on. */
  cut(): void {
    this.#tracks = [];
    this.#last = undefined;
  }

  #alive(time: number): Track[] {
    // Sums of frame times are not exact: a gap of just `maxGap` counts as within.
    return this.#tracks.filter(({ lastTime }) => time - lastTime <= this.#maxGap + 1e-6 || lastTime === this.#last);
  }
}

function advanced({ face, lastTime, vx, vy }: Track, time: number): Face {
  const reached = inertia * (1 - Math.exp(-(time - lastTime) / inertia));
  return transformedFace(face, { a: 1, b: 0, tx: vx * reached, ty: vy * reached });
}

function sighted(track: Track, face: Face, time: number): Track {
  const [from, to] = [centreOf(track.face), centreOf(face)];
  const elapsed = time - track.lastTime;
  const belief = elapsed / (elapsed + motionMemory);
  track.vx += belief * ((to.x - from.x) / elapsed - track.vx);
  track.vy += belief * ((to.y - from.y) / elapsed - track.vy);
  track.face = face;
  track.lastTime = time;
  return track;
}

/** 0 for the same box, 1 where two boxes touch, then in widths of a face; Infinity for what cannot be one face. */
function distance(a: Box, b: Box): number {
  const growth = Math.max(a.width / b.width, b.width / a.width);
  if (!(growth <= maxGrowth)) return Number.POSITIVE_INFINITY;
  const [p, q] = [centreOf({ box: a }), centreOf({ box: b })];
  const apart = Math.hypot(p.x - q.x, p.y - q.y) / ((a.width + b.width) / 2);
  return 1 - intersectionOverUnion(a, b) + Math.max(0, apart - 1);
}
