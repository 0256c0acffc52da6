import { useEffect, useRef } from 'preact/hooks';
import { mutedText, useMuted } from '../camera/use-muted.js';
import { recognizerState } from '../state/recognizer.js';
import { useStore } from '../state/store.js';
import { Button, Problem } from '../ui/index.js';
import { camera, cameraVideo, startCamera, stopCamera } from './camera-stream.js';
import { type Recording, recording } from './recording.js';
import { nameOfClass } from './shots-state.js';

/** The camera's picture, as in a mirror; nothing of it is kept but what is recorded. */
export function CameraView() {
  const state = useStore(camera);
  const now = useStore(recording);
  const muted = useMuted(state.phase === 'on' ? state.stream : undefined);
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
        <Button icon="camera" disabled={state.phase === 'starting'} staysFocused onClick={() => void startCamera()}>
          {state.phase === 'starting' ? 'Starting…' : 'Turn the camera on'}
        </Button>
      </div>
    );
  }
  return (
    <div class="card camera-on">
      <div class={now === undefined ? 'camera-frame' : 'camera-frame camera-recording'}>
        <StreamVideo stream={state.stream} />
        {now === undefined && !muted ? null : (
          <p class="camera-status">{muted || now === undefined ? mutedText : <RecordingText of={now} />}</p>
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

function RecordingText({ of: { classId, taken, missed } }: { readonly of: Recording }) {
  const { phase } = useStore(recognizerState);
  if (phase !== 'ready') return 'Loading the network';
  if (taken === 0 && missed > 0) return 'No face is seen';
  return `Recording ${nameOfClass(classId) ?? 'a class'}: ${taken}`;
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
