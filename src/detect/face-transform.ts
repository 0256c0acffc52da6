import { type Similarity, transformed } from '../image/similarity.js';
import type { Face, Keypoints, Point } from './face.js';

function mapped(keypoints: Keypoints, map: (point: Point) => Point): Keypoints {
  return {
    rightEye: map(keypoints.rightEye),
    leftEye: map(keypoints.leftEye),
    noseTip: map(keypoints.noseTip),
    mouth: map(keypoints.mouth),
    rightEar: map(keypoints.rightEar),
    leftEar: map(keypoints.leftEar),
  };
}

/** A face of a picture in the same picture with its axes stretched. */
export function scaledFace<F extends Face>(face: F, fx: number, fy: number): F {
  const { box, keypoints } = face;
  return {
    ...face,
    box: { x: box.x * fx, y: box.y * fy, width: box.width * fx, height: box.height * fy },
    keypoints: mapped(keypoints, ({ x, y }) => ({ x: x * fx, y: y * fy })),
  };
}

/** A face seen through a transform. A box is turned about its centre, that is: it stays upright. */
export function transformedFace<F extends Face>(face: F, transform: Similarity): F {
  const { box, keypoints } = face;
  const scale = Math.hypot(transform.a, transform.b);
  const centre = transformed(transform, centreOf({ box }));
  const [width, height] = [box.width * scale, box.height * scale];
  return {
    ...face,
    box: { x: centre.x - width / 2, y: centre.y - height / 2, width, height },
    keypoints: mapped(keypoints, (point) => transformed(transform, point)),
  };
}

export function centreOf({ box }: Pick<Face, 'box'>): Point {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
