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

let starting: Promise<void> | undefined;

/** Turns the camera on, if it is not; `camera` says whether that went well. */
export function startCamera(): Promise<void> {
  if (camera.value.phase === 'on') return Promise.resolve();
  starting ??= start().finally(() => {
    starting = undefined;
  });
  return starting;
}

async function start(): Promise<void> {
  camera.set({ phase: 'starting' });
  try {
    if (!('mediaDevices' in navigator)) throw new DOMException('', 'SecurityError');
    const wanted = { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    if (camera.value.phase !== 'starting') {
      end(stream);
      return;
    }
    for (const track of stream.getVideoTracks()) {
      track.addEventListener('ended', () => {
        if (camera.value.phase === 'on' && camera.value.stream === stream) {
          camera.set({
            phase: 'failed',
            reason: 'The camera was switched off or taken away. What was recorded is there; turn it on again to go on.',
          });
        }
      });
    }
    camera.set({ phase: 'on', stream });
  } catch (error) {
    camera.set({ phase: 'failed', reason: reasonOf(error) });
  }
}

export function stopCamera(): void {
  const { value } = camera;
  camera.set({ phase: 'off' });
  if (value.phase === 'on') end(value.stream);
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

const reasons: ReadonlyMap<string, string> = new Map([
  [
    'NotAllowedError',
    'The browser does not let this page use the camera. Allow it beside the address, or add pictures instead.',
  ],
  ['NotFoundError', 'No camera was found. Connect one, or add pictures instead.'],
  ['NotReadableError', 'The camera is in use by another program. Close it, then try again.'],
  ['SecurityError', 'Browsers give the camera to pages of https: only. Open this page so, or add pictures instead.'],
]);

const reasonOf = (error: unknown): string =>
  (error instanceof DOMException ? reasons.get(error.name) : undefined) ??
  'The camera does not start. Try again, or add pictures instead.';
