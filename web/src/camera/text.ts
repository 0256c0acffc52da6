import type { VideoFrame } from 'poster-v2';

/** Seconds as people read them: `0:07.4`, `1:02:03`. */
export function timeText(seconds: number): string {
  const tenths = Math.max(0, Math.round(10 * seconds));
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const rest = (tenths % 600) / 10;
  if (hours > 0) return `${hours}:${padded(minutes)}:${padded(Math.floor(rest))}`;
  return `${minutes}:${rest < 10 ? '0' : ''}${rest.toFixed(1)}`;
}

const padded = (value: number): string => String(value).padStart(2, '0');

/** What a screen reader says of a frame. */
export function spoken({ faces }: VideoFrame): string {
  if (faces.length === 0) return 'No face found.';
  const shown = faces
    .slice(0, 4)
    .map(({ id, expression }) => (faces.length === 1 ? expression : `face ${id} ${expression}`));
  return faces.length === 1 ? `One face: ${shown[0]}.` : `${faces.length} faces: ${shown.join(', ')}.`;
}
