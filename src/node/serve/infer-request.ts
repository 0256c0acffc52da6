import * as z from 'zod';
import { itemAt } from '../../common/item-at.js';
import { describeZodError } from '../../common/json.js';
import { printable } from '../../common/printable.js';
import { jsonOf } from './json-body.js';
import { RequestProblem } from './problem.js';

// What the Open Inference Protocol asks with: JSON, and bytes after it.

const name = z.string().min(1).max(200);
const parameters = z.record(z.string(), z.unknown()).optional();
const inputTensor = z.strictObject({
  name,
  shape: z.array(z.int().min(0)).max(8),
  datatype: z.string().max(20),
  parameters,
  data: z
    .array(z.unknown())
    .optional()
    .meta({ description: 'the values, flat or nested; left out where they are binary' }),
});

/** What is asked; of a body with binary tensors the JSON before them. */
export const inferRequest = z.strictObject({
  id: z.string().max(200).optional(),
  parameters,
  inputs: z.array(inputTensor).length(1),
  outputs: z.array(z.strictObject({ name, parameters })).max(8).optional(),
});
export type InferRequest = z.output<typeof inferRequest>;

/** A request with the values of its one tensor, which the JSON has no more. */
export interface InferInput {
  readonly request: InferRequest;
  readonly values: Uint8Array;
}

export interface InferLimits {
  /** Bytes of the JSON, as the header `Inference-Header-Content-Length` says; undefined: all. */
  readonly jsonLength: string | undefined;
  /** Values that the JSON may have. */
  readonly most: number;
}

/** @throws RequestProblem for what the protocol does not have */
export function readInferRequest(body: Buffer, { jsonLength, most }: InferLimits): InferInput {
  if (body.length === 0) throw unreadable('the body is empty');
  const length = jsonLength === undefined ? body.length : Number(jsonLength);
  if (!(Number.isSafeInteger(length) && length > 0 && length <= body.length)) {
    throw unreadable(
      `Inference-Header-Content-Length is ${printable(String(jsonLength), 40)}, the body ${body.length} bytes`,
    );
  }
  const parsed = inferRequest.safeParse(jsonOf(body.subarray(0, length), most));
  if (!parsed.success) throw unreadable(describeZodError(parsed.error));
  const { data, ...about } = itemAt(parsed.data.inputs, 0);
  const values = data === undefined ? binaryValues(about.parameters, body.subarray(length)) : listedValues(data);
  return { request: { ...parsed.data, inputs: [about] }, values };
}

const unreadable = (why: string): RequestProblem =>
  new RequestProblem('bad-request', `The request for inference cannot be read: ${why}; send it again.`);

function binaryValues(given: z.output<typeof parameters>, binary: Buffer): Uint8Array {
  const size = given?.['binary_data_size'];
  if (size === binary.length) return binary;
  throw unreadable(`binary_data_size is ${printable(String(size), 40)}, and ${binary.length} bytes follow the JSON`);
}

function listedValues(data: readonly unknown[]): Uint8Array {
  const flat: unknown[] = data.flat(8);
  const bad = flat.find((value) => !(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255));
  if (bad === undefined) return Uint8Array.from(flat, Number);
  throw new RequestProblem(
    'invalid-options',
    `The value ${printable(String(bad), 40)} is not a whole number from 0 to 255.`,
  );
}
