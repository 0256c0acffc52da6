import type { VideoFace, VideoFrame } from 'poster-v2';

/** Frames in the order of their times. */
export type History = readonly VideoFrame[];

/** Frames that are kept, at most: more than a quarter of an hour of a camera. The first go. */
const kept = 10_000;

/**
 * Adds a frame. In a video that is sought back, it takes the place of the frames that were read there before.
 * @param before the frame that was read before it, of whichever time
 */
export function withFrame(history: History, frame: VideoFrame, before: VideoFrame | undefined): History {
  const last = history.at(-1);
  if (last === undefined || frame.time > last.time) return [...history.slice(1 - kept), frame];
  const goesOn = before !== undefined && before.time < frame.time && before.faces.some(sharedWith(frame));
  const from = goesOn ? before.time : Math.max(0, frame.time - 0.02);
  const earlier = history.filter(({ time }) => time <= from && time !== frame.time);
  const later = history.filter(({ time }) => time > frame.time);
  return [...earlier, frame, ...later];
}

const sharedWith =
  ({ faces }: VideoFrame) =>
  ({ id }: VideoFace): boolean =>
    faces.some((face) => face.id === id);

/** Which face a visitor looks at: one by its number, or in each frame the largest. */
export type Chosen = number | 'largest';

export function faceOf(frame: VideoFrame, chosen: Chosen): VideoFace | undefined {
  if (chosen !== 'largest') return frame.faces.find(({ id }) => id === chosen);
  return frame.faces.reduce<VideoFace | undefined>(
    (best, face) => (best === undefined || face.box.width > best.box.width ? face : best),
    undefined,
  );
}
