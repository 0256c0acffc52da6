/** Bytes as text, for what a page sends back. */
export async function base64Of(content: Blob | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = content instanceof Blob ? new Uint8Array(await content.arrayBuffer()) : content;
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
