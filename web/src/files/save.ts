/** Hands a file to the visitor. */
export function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser may begin to read it later.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** `My holiday.mp4` is `My-holiday`: the name of what is made of a file, without its ending. */
export const baseName = (name: string): string =>
  name.replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'file';
