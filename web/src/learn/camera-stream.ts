import { openCamera } from 'poster-v2';
import { messageOf } from '../state/errors.js';
import { createStore } from '../state/store.js';

/** The camera of the tab Learn: recording and trying share it. */
export type CameraState =
  | { readonly phase: 'off' }
  | { readonly phase: 'starting' }
  | { readonly phase: 'on'; readonly stream: MediaStream }
  | { readonly phase: 'failed'; readonly reason: string };

export const camera = createStore<CameraState>({ phase: 'off' });

/** The element that shows the camera. */
export const cameraVideo = createStore<HTMLVideoElement | undefined>(undefined);

/** Which start counts: none of those before {@link stopCamera}. */
let turn = 0;
let starting: Promise<void> | undefined;

/** Turns the camera on, if it is not; `camera` says whether that went well. */
export function startCamera(): Promise<void> {
  if (camera.value.phase === 'on') return Promise.resolve();
  starting ??= start(++turn);
  return starting;
}

async function start(own: number): Promise<void> {
  camera.set({ phase: 'starting' });
  try {
    const stream = await openCamera({ width: 640 });
    if (own !== turn) {
      end(stream);
      return;
    }
    for (const track of stream.getVideoTracks()) {
      track.addEventListener('ended', () => {
        if (camera.value.phase === 'on' && camera.value.stream === stream) {
          camera.set({
            phase: 'failed',
            reason:
              'The camera was switched off or unplugged. What was recorded is kept; turn it on again to continue.',
          });
        }
      });
    }
    camera.set({ phase: 'on', stream });
  } catch (error) {
    if (own === turn) camera.set({ phase: 'failed', reason: messageOf(error) });
  } finally {
    if (own === turn) starting = undefined;
  }
}

export function stopCamera(): void {
  const { value } = camera;
  turn++;
  starting = undefined;
  camera.set({ phase: 'off' });
  if (value.phase === 'on') end(value.stream);
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
