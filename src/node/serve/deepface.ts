import * as z from 'zod';
import { canonicalLabel } from '../../common/label-sets.js';
import type { RecognizedFace } from '../../recognize/index.js';
import type { Endpoint } from './endpoint.js';
import type { Inference } from './inference.js';
import { checked } from './options.js';
import { RequestProblem } from './problem.js';
import { pictureProblems } from './recognize-endpoints.js';
import type { CompleteSettings } from './settings.js';
import { type UploadParts, uploadedImg } from './uploads.js';

// `POST /analyze` in the shape of DeepFace's interface: docs/serving.md says what differs.

const switchOf = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean());
const actions = z.preprocess(
  (value) => (typeof value === 'string' ? value.replaceAll(/[[\]"'\s]/g, '').split(',') : value),
  z.array(z.string()),
);

/** What clients of DeepFace send besides the picture. What has no meaning here is read and not used. */
const analyzeOptions = z.object({
  actions: actions.optional().meta({ description: 'only "emotion" is computed here' }),
  enforce_detection: switchOf.optional().meta({ description: 'refuse pictures without a face (default true)' }),
  anti_spoofing: switchOf.optional().meta({ description: 'not computed here: refused where it is true' }),
  detector_backend: z.string().optional().meta({ description: 'not used' }),
  align: switchOf.optional().meta({ description: 'not used: faces are always aligned' }),
});

const point = z.array(z.int()).length(2).nullable();
export const analyzed = z.strictObject({
  results: z.array(
    z.strictObject({
      emotion: z.record(z.string(), z.number()).meta({ description: 'in percent' }),
      dominant_emotion: z.string(),
      region: z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int(), left_eye: point, right_eye: point }),
      face_confidence: z.number().nullable(),
    }),
  ),
});

/** DeepFace's names of expressions; those that it knows not keep theirs. */
const names: ReadonlyMap<string, string> = new Map([
  ['anger', 'angry'],
  ['happiness', 'happy'],
  ['sadness', 'sad'],
]);
const nameOf = (label: string): string => {
  const canonical = canonicalLabel(label);
  return names.get(canonical) ?? canonical;
};

export function analyzeEndpoint(inference: Inference, uploads: UploadParts, settings: CompleteSettings): Endpoint {
  return {
    method: 'POST',
    path: '/analyze',
    summary: 'The emotions of a picture, in the shape of DeepFace',
    description: 'For programs that were written for DeepFace. Paths and addresses of pictures are refused.',
    body: {
      'application/json': z.looseObject({
        img: z.string().min(1).meta({ contentEncoding: 'base64' }),
        ...analyzeOptions.shape,
      }),
      'multipart/form-data': z.looseObject({ img: z.file(), ...analyzeOptions.shape }),
    },
    answer: { 'application/json': analyzed },
    problems: [...pictureProblems, 'no-face'],
    guard: 'place',
    tellsError: true,
    handler: async (request) => {
      const { picture, options } = await uploadedImg(request, uploads);
      const asked = checked(analyzeOptions, options);
      const other = asked.actions?.find((action) => action !== 'emotion');
      if (other !== undefined) {
        throw new RequestProblem(
          'invalid-options',
          'Only the action "emotion" is computed here; leave the others out.',
        );
      }
      if (asked.anti_spoofing === true) {
        throw new RequestProblem(
          'invalid-options',
          'Whether a face is real is not computed here; leave anti_spoofing out.',
        );
      }
      const [result] = await inference.recognize([picture], { detect: { maxFaces: settings.maxFaces } }, request.life);
      if (result === undefined) throw new Error('a picture gave no result');
      if (result.status === 'rejected') throw result.reason;
      const { faces } = result.value;
      if (faces.length === 0 && asked.enforce_detection !== false) {
        throw new RequestProblem(
          'no-face',
          'No face was found in the picture; send another, or set enforce_detection to false.',
        );
      }
      return { results: faces.map(analyzedFace) };
    },
  };
}

function analyzedFace({
  box,
  keypoints,
  detectionScore,
  expression,
  scores,
}: RecognizedFace): z.input<typeof analyzed>['results'][number] {
  const eye = (point: { readonly x: number; readonly y: number } | undefined): [number, number] | null =>
    point === undefined ? null : [Math.round(point.x), Math.round(point.y)];
  return {
    emotion: Object.fromEntries(scores.map(({ label, probability }) => [nameOf(label), 100 * probability])),
    dominant_emotion: nameOf(expression),
    region: {
      x: Math.round(box.x),
      y: Math.round(box.y),
      w: Math.round(box.width),
      h: Math.round(box.height),
      left_eye: eye(keypoints?.leftEye),
      right_eye: eye(keypoints?.rightEye),
    },
    face_confidence: detectionScore,
  };
}
