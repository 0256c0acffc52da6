import { defined } from '../../common/defined.js';
import { type ExplainFacesOptions, explanationDocument } from '../../explain/index.js';
import { explained } from '../../service/explained.js';
import { explainOptions } from '../../service/request-options.js';
import { binary, type Endpoint } from './endpoint.js';
import type { Inference } from './inference.js';
import { checked, detectOf } from './options.js';
import { pictureProblems } from './recognize-endpoints.js';
import type { CompleteSettings } from './settings.js';
import { form, json, type UploadParts, uploadedPicture } from './uploads.js';

/** What the network attends to. */
export function explainEndpoint(inference: Inference, uploads: UploadParts, settings: CompleteSettings): Endpoint {
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
      'application/json': json('image', explainOptions),
    },
    answer: { 'application/json': explained },
    problems: pictureProblems,
    guard: 'place',
    handler: async (request) => {
      const { picture, options: given } = await uploadedPicture(request, uploads);
      const { target, ...options } = checked(explainOptions, given);
      const asked: ExplainFacesOptions = { detect: detectOf(options, settings.maxFaces), ...defined({ target }) };
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
