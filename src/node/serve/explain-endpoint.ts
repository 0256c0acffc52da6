import { z } from 'zod';
import { defined } from '../../common/defined.js';
import { type ExplanationDocument, explanationDocument } from '../../explain/index.js';
import { box, scores } from './documents.js';
import { binary, type Endpoint } from './endpoint.js';
import type { Inference } from './inference.js';
import { checked, detectOf, explainOptions } from './options.js';
import { pictureProblems } from './recognize-endpoints.js';
import type { CompleteSettings } from './settings.js';
import { form, jsonPicture, uploadedPicture } from './uploads.js';

const map = z.array(z.array(z.number())).meta({ description: 'rows of columns' });
const tokens = z.strictObject({ itself: z.number(), scales: z.array(map), all: map });
const explanation = z.strictObject({
  expression: z.string().nullable(),
  scores,
  target: z.string().meta({ description: 'the label that relevance is for' }),
  direction: z
    .enum(['landmarks-to-image', 'image-to-image', 'image-to-landmarks'])
    .meta({ description: 'whose tokens ask at the scales, and over whose places their maps are' }),
  scales: z.array(
    z.strictObject({ scale: z.number(), side: z.int(), share: z.number(), attention: map, relevance: map }),
  ),
  classToken: z
    .strictObject({ attention: tokens, rollout: tokens, relevance: tokens })
    .nullable()
    .meta({ description: 'null for a network without a class token' }),
});

explanation satisfies z.ZodType<ExplanationDocument>;

export const explained = z.strictObject({
  model: z.string(),
  faces: z.array(z.strictObject({ box, lowContrast: z.boolean(), ...explanation.shape })),
});

/** What the network attends to. */
export function explainEndpoint(inference: Inference, settings: CompleteSettings): Endpoint {
  return {
    method: 'POST',
    path: '/v1/explain',
    summary: 'What the network attends to in the faces of a picture',
    description:
      'Maps of attention and relevance for each face, as `poster explain` gives them in JSON. The first request takes longer.',
    query: explainOptions,
    body: {
      'image/*': binary,
      'application/octet-stream': binary,
      'multipart/form-data': form('image', explainOptions),
      'application/json': jsonPicture,
    },
    answer: { 'application/json': explained },
    problems: pictureProblems,
    guard: 'place',
    handler: async (request) => {
      const { pictures, options: given } = await uploadedPicture(request, settings);
      const [picture] = pictures;
      if (picture === undefined) throw new Error('a request without a picture was taken');
      const { target, ...options } = checked(explainOptions, given);
      const asked = { detect: detectOf(options, settings.maxFaces), ...defined({ target }) };
      const faces = await inference.explain(picture, asked, request.life);
      return {
        model: inference.model,
        faces: faces.map((face) => ({
          box: face.box,
          lowContrast: face.lowContrast,
          ...explanationDocument(face.explanation),
        })),
      };
    },
  };
}
