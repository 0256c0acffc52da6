/** What the panel plays. */
export type Source =
  | { readonly kind: 'camera'; readonly name: string; readonly stream: MediaStream; readonly mirrored: boolean }
  | { readonly kind: 'file'; readonly name: string; readonly address: string };

/** The camera's light goes out, or the file is let go. */
export function release(source: Source): void {
  if (source.kind === 'file') URL.revokeObjectURL(source.address);
  else for (const track of source.stream.getTracks()) track.stop();
}

export const sourceOfFile = (file: File): Source => ({
  kind: 'file',
  name: file.name,
  address: URL.createObjectURL(file),
});

export function sourceOfStream(stream: MediaStream): Source {
  const [track] = stream.getVideoTracks();
  // One that looks away from the visitor is no mirror.
  const mirrored = track?.getSettings().facingMode !== 'environment';
  return { kind: 'camera', name: 'camera', stream, mirrored };
}
