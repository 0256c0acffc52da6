import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { RequestProblem } from './problem.js';

// multipart/form-data, as RFC 7578 has it: a body that is here as a whole, cut into its parts.

/** A part of a form. */
export interface FormPart {
  readonly name: string;
  /** A part that has a file name, or a type of bytes, is a file. */
  readonly isFile: boolean;
  /** A view of the body. */
  readonly content: Buffer;
}

const lineEnd = '\r\n';
/** Bytes of the lines above a part's content. */
const maxHead = 4096;
/** What RFC 2046 lets a boundary have. */
const maxBoundary = 70;
/** Encodings that leave bytes as they are. */
const identity: readonly string[] = ['7bit', '8bit', 'binary'];

const isForm = (contentType: string): boolean => /^multipart\/form-data *(;|$)/i.test(contentType);

/**
 * The boundary of a form.
 * @returns undefined for the type of another body
 * @throws RequestProblem for a form without one, and for one that is too long
 */
export function formBoundary(contentType: string): string | undefined {
  if (!isForm(contentType)) return undefined;
  const boundary = parametersOf(contentType).get('boundary') ?? '';
  if (boundary !== '' && boundary.length <= maxBoundary) return boundary;
  const what = boundary === '' ? 'no boundary' : `a boundary above ${maxBoundary} characters`;
  throw unreadable(`its content-type has ${what}`);
}

/**
 * The parts of a form, one after the other.
 * @throws RequestProblem for what is no form, at the place where it is none
 */
export function* formParts(body: Buffer, boundary: string): Generator<FormPart, void, void> {
  const delimiter = `--${boundary}`;
  let at = body.indexOf(delimiter);
  // What stands above the first boundary is for readers of mail.
  if (at !== 0 && body.subarray(0, at).lastIndexOf(lineEnd) !== at - 2) at = -1;
  if (at < 0) throw unreadable('its boundary is not the one of its content-type');
  for (let number = 1; ; number++) {
    const start = headStart(body, at + delimiter.length);
    if (start === undefined) return;
    const head = body.subarray(start, start + maxHead).indexOf(`${lineEnd}${lineEnd}`);
    const end = body.indexOf(`${lineEnd}${delimiter}`, start - lineEnd.length);
    if (end < 0) throw unreadable(`part ${number} has no end`);
    // Content may be empty, and the boundary then begins with the line end of the head.
    if (head < 0 || start + head + 2 > end) throw unreadable(`part ${number} has no empty line below its head`);
    const content = body.subarray(Math.min(start + head + 4, end), end);
    yield { ...aboutPart(body.toString('utf8', start, start + head), number), content };
    at = end + lineEnd.length;
  }
}

/** @returns where the part behind a boundary begins; undefined behind the last one */
function headStart(body: Buffer, at: number): number | undefined {
  if (body.toString('latin1', at, at + 2) === '--') return undefined;
  // Blanks may follow.
  let end = at;
  while (body[end] === 0x20 || body[end] === 0x09) end++;
  if (body.toString('latin1', end, end + 2) === lineEnd) return end + 2;
  throw unreadable('it ends in the middle, or something follows a boundary in its line');
}

function aboutPart(head: string, number: number): Omit<FormPart, 'content'> {
  const headers = new Map(head.split(lineEnd).map(headerOf));
  const disposition = headers.get('content-disposition') ?? '';
  const about = parametersOf(disposition);
  const name = about.get('name') ?? '';
  if (!/^form-data *(;|$)/i.test(disposition) || name === '') {
    throw new RequestProblem(
      'bad-request',
      `Part ${number} of the form has no name; give each one the header content-disposition: form-data; name="image".`,
    );
  }
  const encoding = (headers.get('content-transfer-encoding') ?? 'binary').trim().toLowerCase();
  if (!identity.includes(encoding)) {
    throw new RequestProblem(
      'bad-request',
      `Part ${number} of the form is in ${printable(encoding, 40)}, which forms of HTTP do not have; send its bytes as they are.`,
    );
  }
  const type = headers.get('content-type') ?? 'text/plain';
  return {
    name,
    isFile: about.has('filename') || about.has('filename*') || /^(image\/|application\/octet-stream)/i.test(type),
  };
}

function headerOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
}

/** Parameters of a header: `name=value`, or `name="value"` where a backslash goes before quotes. */
function parametersOf(header: string): Map<string, string> {
  const found = header.matchAll(/; *([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g);
  return new Map(
    [...found].map((one) => {
      const [, , quoted, plain = ''] = one;
      return [itemAt(one, 1).toLowerCase(), quoted?.replaceAll(/\\(["\\])/g, '$1') ?? plain];
    }),
  );
}

const unreadable = (why: string): RequestProblem =>
  new RequestProblem('bad-request', `The form cannot be read: ${why}; send it again.`);
