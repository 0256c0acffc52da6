import { inkOn, type VideoFrame } from 'poster-v2';
import type { ComponentChildren, RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import { percentText } from '../ui/index.js';
import type { Chosen } from './history.js';
import type { Source } from './source.js';

interface StageProps {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly source: Source;
  readonly frame: VideoFrame | undefined;
  readonly colours: ReadonlyMap<string, string>;
  /** Id of the face whose scores are shown. */
  readonly shown: number | undefined;
  readonly onChoose: (chosen: Chosen) => void;
  readonly onPlaying: (playing: boolean) => void;
  /** Over the video, in a corner. */
  readonly children?: ComponentChildren;
}

/** The video, and the faces of its latest frame. */
export function Stage({ video, source, frame, colours, shown, onChoose, onPlaying, children }: StageProps) {
  const [size, setSize] = useState({ width: 16, height: 9 });
  // Before other effects: the video is read as soon as the network is there, and must have its source by then.
  useLayoutEffect(() => {
    const element = video.current;
    if (element === null) return;
    if (source.kind === 'camera') element.srcObject = source.stream;
    else element.src = source.address;
    // Where the browser wants a click first, the button says Play.
    element.play().catch(() => onPlaying(false));
    return () => {
      element.srcObject = null;
      element.removeAttribute('src');
    };
  }, [video, source]);
  const mirrored = source.kind === 'camera' && source.mirrored;
  const take = (): void => {
    const { videoWidth: width = 0, videoHeight: height = 0 } = video.current ?? {};
    if (width > 0 && height > 0) setSize({ width, height });
  };
  return (
    <div class="video-stage" style={{ '--ratio': String(size.width / size.height) }}>
      <video
        ref={video}
        class={mirrored ? 'stage-video stage-mirrored' : 'stage-video'}
        muted
        playsInline
        aria-label={source.kind === 'camera' ? 'What the camera sees' : source.name}
        onLoadedMetadata={take}
        onResize={take}
        onPlay={() => onPlaying(true)}
        onPause={() => onPlaying(false)}
      />
      <div class="stage-faces" aria-hidden="true">
        {frame?.faces.map((face) => {
          const { x, y, width, height } = face.box;
          const left = (mirrored ? frame.width - x - width : x) / frame.width;
          const top = y / frame.height;
          const colour = colours.get(face.expression) ?? '#747369';
          const position = {
            left: left * 100,
            top: top * 100,
            width: (width / frame.width) * 100,
            height: (height / frame.height) * 100,
          };
          return (
            <button
              key={face.id}
              type="button"
              tabIndex={-1}
              class={[
                'stage-face',
                face.id === shown ? 'stage-face-shown' : '',
                top < 0.12 ? 'stage-face-high' : '',
                left + width / frame.width / 2 > 0.5 ? 'stage-face-right' : '',
              ].join(' ')}
              style={{
                ...Object.fromEntries(Object.entries(position).map(([side, value]) => [side, `${value}%`])),
                '--face': colour,
                '--face-ink': inkOn(colour),
              }}
              onClick={() => onChoose(face.id)}
            >
              <span class="stage-label">
                {frame.faces.length > 1 ? <b>{face.id}</b> : null}
                <span class="stage-expression">{face.expression}</span>
                <span>{percentText(face.probability)}</span>
              </span>
            </button>
          );
        })}
      </div>
      {children}
    </div>
  );
}
