import { useEffect, useState } from 'preact/hooks';

/** Whether a camera gives no picture for now: a switch, a shutter or another program keeps it from that. */
export function useMuted(stream: MediaStream | undefined): boolean {
  const [muted, setMuted] = useState(false);
  useEffect(() => {
    setMuted(stream !== undefined && isMuted(stream));
    const leaving = new AbortController();
    for (const track of stream?.getVideoTracks() ?? []) {
      track.addEventListener('mute', () => setMuted(true), leaving);
      track.addEventListener('unmute', () => setMuted(false), leaving);
    }
    return () => leaving.abort();
  }, [stream]);
  return muted;
}

/** What such a camera shows is the picture before. */
export const isMuted = (stream: MediaStream): boolean => stream.getVideoTracks().some(({ muted }) => muted);

export const mutedText = 'The camera gives no picture. Look for a switch or a shutter that closes it.';
