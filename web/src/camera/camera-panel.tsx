import { openCamera } from 'poster-v2';
import { useEffect, useRef, useState } from 'preact/hooks';
import { openPictures } from '../recognise/pictures.js';
import { messageOf } from '../state/errors.js';
import { notify } from '../state/notices.js';
import { routeTo } from '../state/route.js';
import { Button, DropZone, Icon, Problem, usePageDrop } from '../ui/index.js';
import { LastCameraCard } from './last-camera-card.js';
import { release, type Source, sourceOfFile, sourceOfStream } from './source.js';
import { VideoView } from './video-view.js';

type State =
  | { readonly phase: 'choosing' }
  /** The browser asks the visitor. */
  | { readonly phase: 'asking' }
  | { readonly phase: 'refused'; readonly title: string; readonly reason: string }
  | { readonly phase: 'watching'; readonly source: Source };

/** The part Camera and video of the tab Recognise. */
export function CameraPanel() {
  const [state, setState] = useState<State>({ phase: 'choosing' });
  const [cameras, setCameras] = useState<readonly MediaDeviceInfo[]>([]);
  const request = useRef(0);
  const playing = useRef<Source | undefined>(undefined);

  /** One thing at a time: what was there before is let go, and what is still asked for comes too late. */
  const show = (next: State): void => {
    request.current++;
    if (playing.current !== undefined) release(playing.current);
    playing.current = next.phase === 'watching' ? next.source : undefined;
    setState(next);
  };
  const leave = useRef(show);
  useEffect(() => () => leave.current({ phase: 'choosing' }), []);

  const start = async (deviceId = ''): Promise<void> => {
    show({ phase: 'asking' });
    const mine = request.current;
    try {
      const stream = await openCamera(deviceId === '' ? {} : { deviceId });
      const source = sourceOfStream(stream);
      if (mine !== request.current) return release(source);
      show({ phase: 'watching', source });
      setCameras((await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput'));
    } catch (error) {
      if (mine === request.current) show({ phase: 'refused', title: titleOf(error), reason: messageOf(error) });
    }
  };
  const open = (files: readonly File[]): void => {
    const images = files.filter(({ type }) => type.startsWith('image/'));
    const [video, ...others] = files.filter((file) => !images.includes(file));
    if (video !== undefined) {
      show({ phase: 'watching', source: sourceOfFile(video) });
      const left = others.length + images.length;
      if (left > 0)
        notify(
          `${video.name} is played. ${left} other ${left === 1 ? 'file was' : 'files were'} left out: open one video at a time, and pictures by themselves.`,
          { kind: 'error' },
        );
    } else if (images.length > 0) {
      // They are at home there.
      openPictures(images);
      location.hash = routeTo('recognise');
    }
  };
  const over = usePageDrop(open);

  if (state.phase === 'watching') {
    return (
      <section class={over ? 'panel camera-over' : 'panel'}>
        <h1 class="visually-hidden">Camera and video</h1>
        <VideoView
          key={state.source.kind === 'camera' ? state.source.stream.id : state.source.address}
          source={state.source}
          cameras={cameras}
          onCamera={(deviceId) => void start(deviceId)}
          onStop={() => show({ phase: 'choosing' })}
        />
      </section>
    );
  }
  return (
    <section class="panel">
      <h1 class="title">Camera and video</h1>
      <p class="lead">Faces are followed from frame to frame. Their expressions appear as they change.</p>
      {state.phase === 'refused' ? (
        <Problem title={state.title} actions={<Button onClick={() => void start()}>Try again</Button>}>
          {state.reason}
        </Problem>
      ) : null}
      {state.phase === 'asking' ? (
        <div class="drop-zone" role="status">
          <span class="camera-mark camera-asking">
            <Icon name="camera" />
          </span>
          <p class="subtitle">Your browser asks whether this page may use the camera</p>
          <p class="hint">Answer its question, most often at the top of the window.</p>
          <Button onClick={() => show({ phase: 'choosing' })}>Cancel</Button>
        </div>
      ) : (
        <DropZone
          button="Open a video"
          accept="video/*"
          onFiles={open}
          more={
            <Button icon="camera" onClick={() => void start()}>
              Use the camera
            </Button>
          }
        >
          <span class="camera-mark">
            <Icon name="camera" />
          </span>
          <p class="subtitle">Drop a video here, or use your camera</p>
          <p class="hint camera-promise">
            <Icon name="lock" />
            <span>Everything is read on your own machine. No picture leaves it, and none is kept.</span>
          </p>
        </DropZone>
      )}
      <LastCameraCard />
    </section>
  );
}

/** What went wrong with a camera, by the name of the browser's error. */
function titleOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const name = cause instanceof DOMException ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'The camera is not allowed';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'There is no camera';
  if (name === 'NotReadableError') return 'The camera is in use';
  return 'The camera cannot be used';
}
