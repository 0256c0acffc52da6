import { Pace } from '../../common/turns.js';
import { type Recognition, recognitionDocument } from '../../recognize/index.js';
import { type Batch, batch, models, type ServedRecognition, single } from '../../service/documents.js';
import type { ProblemName } from '../../service/problem-document.js';
import { type RecognizeRequestOptions, recognizeOptions } from '../../service/request-options.js';
import { binary, type Endpoint } from './endpoint.js';
import type { Inference } from './inference.js';
import { checked, detectOf } from './options.js';
import { pngOf } from './png.js';
import { documentOf, problemOf } from './problem.js';
import type { CompleteSettings } from './settings.js';
import { form, json, type Upload, type UploadParts, uploadedPicture, uploadedPictures } from './uploads.js';

/** What any endpoint that takes pictures may answer with. */
export const pictureProblems: readonly ProblemName[] = [
  'bad-request',
  'unauthorized',
  'forbidden',
  'request-timeout',
  'too-large',
  'unsupported-media-type',
  'unusable-picture',
  'invalid-options',
  'too-many-requests',
  'overloaded',
  'loading',
  'draining',
  'interrupted',
  'no-resources',
  'deadline',
];

/** What pictures show. */
export function recognizeEndpoints(inference: Inference, uploads: UploadParts, settings: CompleteSettings): Endpoint[] {
  const recognized = async (
    { pictures, options: given }: Upload,
    life: AbortSignal,
  ): Promise<{
    readonly options: RecognizeRequestOptions;
    readonly results: readonly PromiseSettledResult<Recognition>[];
  }> => {
    const options = checked(recognizeOptions, given);
    const detect = detectOf(options, settings.maxFaces);
    const results = await inference.recognize(pictures, { detect, crops: options.crops === true }, life);
    return { options, results };
  };
  return [
    {
      method: 'POST',
      path: '/v1/recognize',
      summary: 'The faces of a picture and their expressions',
      description:
        'Send the file of a picture (JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP) as the body, in a form, or in base64. Options stand in the address, in fields of the form, or in the JSON.',
      query: recognizeOptions,
      body: {
        'image/*': binary,
        'application/octet-stream': binary,
        'multipart/form-data': form('image', recognizeOptions),
        'application/json': json('image', recognizeOptions),
      },
      answer: { 'application/json': single },
      problems: pictureProblems,
      guard: 'place',
      handler: async (request) => {
        const { picture, options: given } = await uploadedPicture(request, uploads);
        const { options, results } = await recognized({ pictures: [picture], options: given }, request.life);
        const [result] = results;
        if (result === undefined) throw new Error('a picture gave no result');
        if (result.status === 'rejected') throw result.reason;
        return { model: inference.model, ...(await servedRecognition(result.value, options.top, new Pace(share))) };
      },
    },
    {
      method: 'POST',
      path: '/v1/recognize/batch',
      summary: 'The faces of several pictures and their expressions',
      description: 'A picture that cannot be used has its problem in its place and disturbs no other.',
      query: recognizeOptions,
      body: {
        'multipart/form-data': form('images', recognizeOptions),
        'application/json': json('images', recognizeOptions),
      },
      answer: { 'application/json': batch },
      problems: pictureProblems,
      guard: 'place',
      handler: async (request) => {
        const { options, results } = await recognized(await uploadedPictures(request, uploads), request.life);
        const served: Batch['results'] = [];
        const pace = new Pace(share);
        for (const result of results) {
          served.push(
            result.status === 'fulfilled'
              ? await servedRecognition(result.value, options.top, pace)
              : { problem: documentOf(problemOf(result.reason), request.id) },
          );
        }
        return { model: inference.model, results: served };
      },
    },
    {
      method: 'GET',
      path: '/v1/models',
      summary: 'The network that answers, its labels and what it takes',
      answer: { 'application/json': models },
      problems: ['unauthorized', 'forbidden', 'too-many-requests', 'loading'],
      guard: 'key',
      handler: async () => {
        const { labels, preprocessing } = inference.recognizer.classifier;
        const aligned = inference.recognizer.detector === undefined;
        return { models: [{ name: inference.model, labels, preprocessing, aligned, ready: true }] };
      },
    },
  ];
}

/** Milliseconds of a turn of the event loop in which crops of an answer are encoded. */
const share = 4;

async function servedRecognition(
  recognition: Recognition,
  top: number | undefined,
  pace: Pace,
): Promise<ServedRecognition> {
  const { faces, ...document } = recognitionDocument(recognition, top);
  const crops: (string | undefined)[] = [];
  for (const { crop } of recognition.faces) {
    await pace.step();
    crops.push(crop && pngOf(crop).toString('base64'));
  }
  return {
    ...document,
    faces: faces.map(({ scores, ...face }, i) => {
      const crop = crops[i];
      return { ...face, scores: [...scores], ...(crop === undefined ? {} : { crop }) };
    }),
  };
}
