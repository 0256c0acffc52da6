import * as z from 'zod';

/** What can go wrong with a request, by name: its status and what it is called. */
export const problems = {
  'bad-request': [400, 'The request cannot be read'],
  unauthorized: [401, 'A key is needed'],
  forbidden: [403, 'The origin may not send requests'],
  'not-found': [404, 'There is no such resource'],
  'method-not-allowed': [405, 'The resource has no such method'],
  'request-timeout': [408, 'The request came too slowly'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The body has a type that is not read'],
  'expectation-failed': [417, 'The request expects what there is not'],
  'unusable-picture': [422, 'The picture cannot be used'],
  'no-face': [422, 'The picture shows no face'],
  'invalid-options': [422, 'The options cannot be used'],
  'too-many-requests': [429, 'The client asks too often'],
  'upgrade-needed': [426, 'The resource speaks WebSocket'],
  'headers-too-large': [431, 'The headers are too large'],
  internal: [500, 'The server has a defect'],
  overloaded: [503, 'The server is overloaded'],
  loading: [503, 'The server is starting'],
  draining: [503, 'The server is stopping'],
  interrupted: [503, 'The work was interrupted'],
  'no-resources': [503, 'The server lacks memory or a device'],
  deadline: [504, 'The work took too long'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type ProblemName = keyof typeof problems;

/** A problem as RFC 9457 describes it. */
export const problemDocument = z.object({
  type: z.string().meta({ description: 'What went wrong, as an address of its own', example: typeOf('overloaded') }),
  title: z.string().meta({ description: 'The same in words; always the same for a type' }),
  status: z.int().min(400).max(599),
  detail: z.string().meta({ description: 'One sentence: what was wrong, where, and what to do' }),
  requestId: z.string().meta({ description: 'As in the header x-request-id and in the log' }),
  error: z
    .string()
    .optional()
    .meta({ description: 'The detail again, at /v2 and /analyze: clients of those look here' }),
});

export type ProblemDocument = z.infer<typeof problemDocument>;

export const problemType = 'application/problem+json';

export function typeOf(name: ProblemName): string {
  return `urn:poster-v2:problem:${name}`;
}

/** What a problem is called. */
export const titleOf = (name: ProblemName): string => problems[name][1];

export const statusOf = (name: ProblemName): number => problems[name][0];
