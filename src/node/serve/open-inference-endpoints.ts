import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { BodyReader } from './body-reader.js';
import { binary, type Endpoint } from './endpoint.js';
import { inferRequest } from './infer-request.js';
import type { Inference } from './inference.js';
import {
  checkOutputs,
  cropsOf,
  describeModel,
  inferAnswer,
  inferResponse,
  modelMetadata,
  modelVersion,
  serverMetadata,
} from './open-inference.js';
import { RequestProblem } from './problem.js';
import { pictureProblems } from './recognize-endpoints.js';
import { bytesOf } from './uploads.js';

const isLive = z.strictObject({ live: z.boolean() });
const isReady = z.strictObject({ ready: z.boolean() });
const named = z.looseObject({ name: z.string(), version: z.string().optional() });

/** Crops of one request. */
const mostCrops = 256;

/** The Open Inference Protocol: `/v2`. Bodies come as bytes here, whatever they are called. */
export function openInferenceEndpoints(
  inference: Inference,
  bodies: BodyReader,
  isReadyNow: () => boolean,
  version: string,
): Endpoint[] {
  const json = 'application/json';
  /** @throws RequestProblem for a model that there is not */
  const known = ({ params }: FastifyRequest): void => {
    const { name, version: asked = modelVersion } = named.parse(params);
    if (name === inference.model && asked === modelVersion) return;
    throw new RequestProblem(
      'not-found',
      `There is no such model here; there is ${inference.model}, version ${modelVersion}.`,
    );
  };
  const both = (path: string, endpoint: Omit<Endpoint, 'path'>): Endpoint[] => [
    { ...endpoint, path: `/v2/models/{name}${path}` },
    { ...endpoint, path: `/v2/models/{name}/versions/{version}${path}`, summary: `${endpoint.summary}, by version` },
  ];
  const protocol = { tellsError: true } as const;
  return [
    {
      ...protocol,
      method: 'GET',
      path: '/v2',
      summary: 'The server, as the Open Inference Protocol describes it',
      answer: { [json]: serverMetadata },
      problems: ['unauthorized', 'forbidden'],
      guard: 'key',
      handler: async () => ({ name: 'poster-v2', version, extensions: ['binary_tensor_data'] }),
    },
    {
      ...protocol,
      method: 'GET',
      path: '/v2/health/live',
      summary: 'Whether the process lives',
      answer: { [json]: isLive },
      problems: [],
      guard: 'nothing',
      handler: async () => ({ live: true }),
    },
    {
      ...protocol,
      method: 'GET',
      path: '/v2/health/ready',
      summary: 'Whether requests are taken',
      answer: { [json]: isReady },
      problems: ['loading'],
      guard: 'nothing',
      handler: async (_, reply) => {
        reply.code(isReadyNow() ? 200 : 503);
        return { ready: isReadyNow() };
      },
    },
    ...both('', {
      ...protocol,
      method: 'GET',
      summary: 'What the model takes and gives',
      answer: { [json]: modelMetadata },
      problems: ['unauthorized', 'forbidden', 'not-found', 'loading'],
      guard: 'key',
      handler: async (request) => {
        known(request);
        return describeModel(inference);
      },
    }),
    ...both('/ready', {
      ...protocol,
      method: 'GET',
      summary: 'Whether the model takes requests',
      answer: { [json]: isReady },
      problems: ['unauthorized', 'forbidden', 'not-found', 'loading'],
      guard: 'key',
      handler: async (request, reply) => {
        known(request);
        reply.code(isReadyNow() ? 200 : 503);
        return { ready: isReadyNow() };
      },
    }),
    ...both('/infer', {
      ...protocol,
      method: 'POST',
      summary: 'The expressions of face crops, as tensors',
      description:
        'Tensors stand in the JSON, or follow it as bytes: then the header Inference-Header-Content-Length says how long the JSON is.',
      body: { [json]: inferRequest, 'application/octet-stream': binary },
      answer: { [json]: inferResponse, 'application/octet-stream': binary },
      problems: [...pictureProblems, 'not-found'],
      guard: 'place',
      handler: async (request, reply) => {
        known(request);
        const length = request.headers['inference-header-content-length'];
        const { imageSize, channels } = inference.recognizer.classifier.preprocessing;
        const about = {
          jsonLength: Array.isArray(length) ? length.join() : length,
          // Each value with a comma, and at most with brackets of its own.
          most: 3 * mostCrops * imageSize * imageSize * channels,
        };
        const read = await bodies.read('tensors', bytesOf(request), about, request.life);
        checkOutputs(read);
        const scores = await inference.classify(cropsOf(read, inference, mostCrops), request.life);
        const { document, binary: bytes } = inferAnswer(read, scores, inference);
        if (bytes === undefined) return document;
        const text = Buffer.from(JSON.stringify(document));
        reply.type('application/octet-stream').header('inference-header-content-length', text.length);
        return Buffer.concat([text, bytes]);
      },
    }),
  ];
}
