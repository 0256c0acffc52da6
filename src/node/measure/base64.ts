import * as z from 'zod';

/** Numbers as they are in memory, for documents: no digit is lost, and infinities stay. */
export const base64OfFloats = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

export const floatsOfBase64 = z.base64().transform((text, context) => {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % 4 === 0) return new Float32Array(Uint8Array.from(bytes).buffer);
  context.addIssue({ code: 'custom', message: 'the bytes are no whole numbers' });
  return z.NEVER;
});
