import { useEffect, useRef } from 'preact/hooks';
import { useStore } from '../state/store.js';
import { Button, Problem } from '../ui/index.js';
import { camera, cameraVideo, startCamera, stopCamera } from './camera-stream.js';
import { recording } from './recording.js';
import { nameOfClass } from './shots-state.js';

/** The camera's picture, as in a mirror; nothing of it is kept but what is recorded. */
export function CameraView() {
  const state = useStore(camera);
  const now = useStore(recording);
  if (state.phase === 'failed') {
    return (
      <Problem title="No camera" actions={<Button onClick={() => void startCamera()}>Try again</Button>}>
        {state.reason}
      </Problem>
    );
  }
  if (state.phase !== 'on') {
    return (
      <div class="card camera-off">
        <p>Record with the camera, or drop pictures on a class.</p>
        <Button icon="camera" disabled={state.phase === 'starting'} onClick={() => void startCamera()}>
          {state.phase === 'starting' ? 'Starting…' : 'Turn the camera on'}
        </Button>
      </div>
    );
  }
  return (
    <div class="card camera-on">
      <div class={now === undefined ? 'camera-frame' : 'camera-frame camera-recording'}>
        <StreamVideo stream={state.stream} />
        {now === undefined ? null : (
          <p class="camera-status">
            {now.taken + now.missed > 0 && now.taken === 0
              ? 'No face is seen'
              : `Recording ${nameOfClass(now.classId) ?? ''}: ${now.taken}`}
          </p>
        )}
      </div>
      <div class="actions">
        <p class="hint camera-hint">Move your head, the light and the distance a little while you record.</p>
        <Button kind="quiet" onClick={stopCamera}>
          Turn off
        </Button>
      </div>
    </div>
  );
}

function StreamVideo({ stream }: { readonly stream: MediaStream }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    element.srcObject = stream;
    // A browser that waits for a click shows the first frame all the same.
    void element.play().catch(() => undefined);
    cameraVideo.set(element);
    return () => {
      cameraVideo.set(undefined);
      element.srcObject = null;
    };
  }, [stream]);
  return <video ref={video} class="camera-video" muted playsInline autoPlay aria-label="The camera's picture" />;
}
