import { type ErrorKind, messageOf, UserError } from '../../common/errors.js';
import { type ProblemDocument, type ProblemName, problems, statusOf, typeOf } from '../../service/problem-document.js';

/** Thrown where a request cannot be answered as it wishes. The message is one sentence for the client. */
export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';
  readonly problem: ProblemName;
  /** After how many seconds asking again may help. */
  readonly retryAfter: number | undefined;

  constructor(problem: ProblemName, message: string, { retryAfter, ...options }: ProblemOptions = {}) {
    super(message, options);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  get status(): number {
    return statusOf(this.problem);
  }
}

interface ProblemOptions extends ErrorOptions {
  readonly retryAfter?: number;
}

const byKind: Readonly<Record<ErrorKind, ProblemName>> = {
  input: 'unusable-picture',
  usage: 'invalid-options',
  device: 'no-resources',
  resources: 'no-resources',
  diverged: 'internal',
  interrupted: 'interrupted',
};

/** What Fastify, its plugins and Node tell by a code, as a problem and a sentence of ours. */
const byCode: ReadonlyMap<string, readonly [ProblemName, string]> = new Map([
  ['FST_ERR_CTP_BODY_TOO_LARGE', ['too-large', 'The body has more bytes than are accepted; send less.']],
  [
    'FST_ERR_CTP_INVALID_MEDIA_TYPE',
    ['unsupported-media-type', 'The content-type is not one that is read here; /docs lists those that are.'],
  ],
  ['FST_ERR_CTP_EMPTY_TYPE', ['unsupported-media-type', 'The body has no content-type; give one.']],
  [
    'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
    ['bad-request', 'The body is shorter or longer than its content-length; send all of it.'],
  ],
  ['FST_ERR_BAD_URL', ['bad-request', 'The address cannot be read; check its escapes.']],
  ['FST_ERR_MAX_PARAM_LENGTH', ['not-found', 'The address is too long; check it.']],
  ['ERR_HTTP_REQUEST_TIMEOUT', ['request-timeout', 'The request did not come in time; send it faster.']],
  ['HPE_HEADER_OVERFLOW', ['headers-too-large', 'The headers have more bytes than are accepted; send fewer.']],
  ['ECONNRESET', ['bad-request', 'The connection ended in the middle of the request.']],
  ['ERR_STREAM_PREMATURE_CLOSE', ['bad-request', 'The connection ended in the middle of the request.']],
]);

/** Anything thrown, as a problem. What nobody expected says nothing of the inside. */
export function problemOf(error: unknown): RequestProblem {
  if (error instanceof RequestProblem) return error;
  if (error instanceof UserError) {
    // What advises about a setting is not about a picture.
    const problem = error.kind === 'input' && error.settings.length > 0 ? 'invalid-options' : byKind[error.kind];
    const retry = statusOf(problem) === 503 ? { retryAfter: 1 } : {};
    return new RequestProblem(problem, error.message, { cause: error, ...retry });
  }
  const code = fieldOf(error, 'code');
  const [problem, sentence] = (typeof code === 'string' ? byCode.get(code) : undefined) ?? [];
  if (problem !== undefined && sentence !== undefined) return new RequestProblem(problem, sentence, { cause: error });
  const status = fieldOf(error, 'statusCode');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new RequestProblem('bad-request', 'The request cannot be read; /docs says what is accepted.', {
      cause: error,
    });
  }
  return new RequestProblem('internal', 'The server has a defect; its log has more under this request id.', {
    cause: error,
  });
}

function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}

/** @param tellsError whether the sentence stands at `error` too */
export function documentOf(problem: RequestProblem, requestId: string, tellsError = false): ProblemDocument {
  const [status, title] = problems[problem.problem];
  const detail = messageOf(problem);
  return { type: typeOf(problem.problem), title, status, detail, requestId, ...(tellsError ? { error: detail } : {}) };
}
