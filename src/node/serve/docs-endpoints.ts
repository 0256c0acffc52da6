import * as z from 'zod';
import { docsPage } from './docs-page.js';
import type { Endpoint } from './endpoint.js';
import { type OpenApi, openApiDocument } from './openapi.js';

/** What a server says about itself: as a document for programs and a page for people. Both describe themselves too. */
export function docsEndpoints(others: readonly Endpoint[], version: string, needsKey: boolean): Endpoint[] {
  let made: OpenApi | undefined;
  const document = (): OpenApi => {
    made ??= openApiDocument([...others, ...own], version, needsKey);
    return made;
  };
  const own: Endpoint[] = [
    {
      method: 'GET',
      path: '/openapi.json',
      summary: 'This server as an OpenAPI 3.1 document',
      answer: { 'application/json': z.looseObject({ openapi: z.string() }) },
      problems: [],
      guard: 'nothing',
      handler: async () => document(),
    },
    {
      method: 'GET',
      path: '/docs',
      summary: 'A page that says how to ask',
      answer: { 'text/html': z.string() },
      problems: [],
      guard: 'nothing',
      handler: async (request, reply) => {
        // The page has its own policy.
        reply.removeHeader('content-security-policy').type('text/html; charset=utf-8');
        return docsPage(document(), `${request.protocol}://${request.host}`);
      },
    },
  ];
  return own;
}
