import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formBoundary, formParts } from './form-body.js';
import { RequestProblem } from './problem.js';

const part = fc.record({
  name: fc.constantFrom('image', 'a b', 'ä;name="x', '名前', 'filename='),
  isFile: fc.boolean(),
  // Line ends and hyphens, of which boundaries are made, are as likely as all others together.
  content: fc.array(fc.oneof(fc.constantFrom(13, 10, 45), fc.nat(255)), { maxLength: 60 }),
});

/** A form as Node writes it. */
async function written(
  given: readonly { readonly name: string; readonly isFile: boolean; readonly content: readonly number[] }[],
): Promise<{ readonly body: Buffer; readonly boundary: string }> {
  const form = new FormData();
  for (const { name, isFile, content } of given) {
    if (isFile) form.append(name, new Blob([Uint8Array.from(content)]), 'C:\\"photo";name=x.png');
    else form.append(name, String(content.length));
  }
  const response = new Response(form);
  const boundary = formBoundary(response.headers.get('content-type') ?? '') ?? assert.fail();
  return { body: Buffer.from(await response.arrayBuffer()), boundary };
}

test('what a client writes as a form is read back, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (given) => {
      const { body, boundary } = await written(given);
      const read = [...formParts(body, boundary)].map(({ name, isFile, content }) => ({
        name,
        isFile,
        content: isFile ? [...content] : content.toString(),
      }));
      const expected = given.map(({ name, isFile, content }) => ({
        // As browsers write a quote.
        name: name.replaceAll('"', '%22'),
        isFile,
        content: isFile ? content : String(content.length),
      }));
      assert.deepEqual(read, expected);
    }),
    { numRuns: 100 },
  );
});

test('a damaged form is read or refused, never anything else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.option(fc.nat(255)),
      async (given, at, byte) => {
        const { body, boundary } = await written(given);
        const position = Math.min(Math.floor(at * body.length), body.length - 1);
        const damaged = byte === null ? body.subarray(0, position) : Buffer.from(body);
        if (byte !== null) damaged[position] = byte;
        try {
          for (const { content } of formParts(damaged, boundary)) assert.ok(content.length <= damaged.length);
        } catch (error) {
          assert.ok(error instanceof RequestProblem && error.problem === 'bad-request', String(error));
        }
      },
    ),
    { numRuns: 200 },
  );
});
