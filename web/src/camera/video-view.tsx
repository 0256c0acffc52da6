import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { recognizerState } from '../state/recognizer.js';
import { settings } from '../state/settings.js';
import { useStore } from '../state/store.js';
import { Button, coloursOf, Problem, Progress, ScoreBars, Select } from '../ui/index.js';
import { type Chosen, faceOf } from './history.js';
import { lastCamera, type Recorded } from './recorded.js';
import { RecordedExports } from './recorded-exports.js';
import type { Source } from './source.js';
import { Stage } from './stage.js';
import { timeText } from './text.js';
import { Timeline } from './timeline.js';
import { mutedText, useMuted } from './use-muted.js';
import { type Reading, useRecognizedVideo } from './use-recognized-video.js';

interface VideoViewProps {
  readonly source: Source;
  readonly cameras: readonly MediaDeviceInfo[];
  readonly onCamera: (deviceId: string) => void;
  readonly onStop: () => void;
}

/** Seconds of a camera that the chart shows. */
const shownSeconds = 60;

/** A video or camera that plays: its faces, their scores, and both over time. */
export function VideoView({ source, cameras, onCamera, onStop }: VideoViewProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [round, setRound] = useState(0);
  const [playing, setPlaying] = useState(true);
  const [chosen, setChosen] = useState<Chosen>('largest');
  const { showRate } = useStore(settings);
  const { phase, reason, labels, latest, history, pace } = useRecognizedVideo(video, source, round);
  const now: Recorded = { name: source.name, labels, history };
  const recorded = useRef(now);
  recorded.current = now;
  useEffect(() => {
    if (source.kind !== 'camera') return undefined;
    return () => {
      if (recorded.current.history.length > 0) lastCamera.set(recorded.current);
    };
  }, [source]);
  const colours = useMemo(() => coloursOf(labels), [labels]);
  const face = latest === undefined ? undefined : faceOf(latest, chosen);
  const ended = phase === 'ended';
  const toggle = (): void => {
    const element = video.current;
    if (element === null) return;
    if (ended) setRound(round + 1);
    // What keeps it from playing is told by the element.
    if (element.paused || ended) void element.play().catch(() => setPlaying(false));
    else element.pause();
  };
  const time = latest?.time ?? 0;
  const duration = video.current?.duration ?? Number.NaN;
  const span =
    source.kind === 'file' && Number.isFinite(duration)
      ? { from: 0, to: Math.max(duration, 0.1) }
      : { from: Math.max(0, time - shownSeconds), to: Math.max(shownSeconds, time) };
  const seek = (to: number): void => {
    if (video.current === null) return;
    video.current.currentTime = to;
    if (ended) setRound(round + 1);
  };
  return (
    <div class="watching">
      <div class="watching-main">
        <Stage
          video={video}
          source={source}
          frame={phase === 'failed' ? undefined : latest}
          colours={colours}
          shown={face?.id}
          onChoose={setChosen}
          onPlaying={setPlaying}
        >
          <StageNote
            phase={phase}
            playing={playing}
            faces={latest?.faces.length}
            stream={source.kind === 'camera' ? source.stream : undefined}
          />
        </Stage>
        <div class="actions watching-actions">
          {ended && source.kind === 'camera' ? null : (
            <Button kind="primary" icon={playing && !ended ? 'pause' : 'play'} onClick={toggle}>
              {ended ? 'Play again' : playing ? 'Pause' : 'Play'}
            </Button>
          )}
          <Button icon="close" onClick={onStop}>
            {source.kind === 'file' ? 'Close the video' : ended ? 'Close' : 'Stop the camera'}
          </Button>
          <span class="watching-facts">
            {source.kind === 'file' ? <span class="watching-name">{source.name}</span> : null}
            <span>{timeText(time)}</span>
            {showRate && playing && !ended && pace.rate !== undefined ? (
              <span>{pace.rate.toFixed(1)} frames/s</span>
            ) : null}
            {showRate && playing && !ended && pace.latency !== undefined ? (
              <span>{Math.round(pace.latency)} ms behind</span>
            ) : null}
          </span>
        </div>
      </div>
      <div class="watching-side">
        {phase === 'failed' ? (
          <Problem
            title="This video cannot be read"
            actions={<Button onClick={() => setRound(round + 1)}>Try again</Button>}
          >
            {reason}
          </Problem>
        ) : null}
        {ended && source.kind === 'camera' ? (
          <Problem
            title="The camera has stopped"
            actions={<Button onClick={() => onCamera('')}>Start it again</Button>}
          >
            It was taken away or switched off. What was read is kept below.
          </Problem>
        ) : null}
        <section class="card watching-scores" aria-labelledby="watching-face">
          <div class="watching-head">
            <h2 id="watching-face" class="subtitle">
              {face === undefined ? 'No face' : `Face ${face.id}`}
            </h2>
            <FaceButtons ids={latest?.faces.map(({ id }) => id) ?? []} chosen={chosen} onChoose={setChosen} />
          </div>
          {face === undefined ? (
            <p class="hint">
              {typeof chosen === 'number'
                ? `Face ${chosen} is not in the picture. Choose Largest to see whoever is.`
                : ended
                  ? 'There was no face in the last frame.'
                  : 'The scores of a face appear here as soon as one is found.'}
            </p>
          ) : (
            <ScoreBars scores={face.smoothed} colours={colours} caption={`Scores of face ${face.id}`} />
          )}
          {face?.lowContrast === true ? (
            <p class="hint">This face is dark or washed out, and read less surely.</p>
          ) : null}
        </section>
        {cameras.length > 1 && source.kind === 'camera' ? (
          <Select
            label="Camera"
            value={source.stream.getVideoTracks()[0]?.getSettings().deviceId ?? ''}
            options={cameras.map(({ deviceId, label }, i) => ({ value: deviceId, text: label || `Camera ${i + 1}` }))}
            onChange={onCamera}
          />
        ) : null}
      </div>
      <section class="card watching-time" aria-labelledby="watching-time">
        <div class="watching-head">
          <h2 id="watching-time" class="subtitle">
            Over time
          </h2>
          <div class="actions">
            <RecordedExports {...now} />
          </div>
        </div>
        <Timeline
          {...{ history, span, labels, colours, chosen }}
          now={latest?.time}
          onSeek={source.kind === 'file' ? seek : undefined}
        />
      </section>
    </div>
  );
}

interface StageNoteProps {
  readonly phase: Reading['phase'];
  readonly playing: boolean;
  /** Of the latest frame; undefined before it. */
  readonly faces: number | undefined;
  /** Of a camera. */
  readonly stream: MediaStream | undefined;
}

/** What goes on, where the picture does not say it. */
function StageNote({ phase, playing, faces, stream }: StageNoteProps) {
  const muted = useMuted(stream);
  const camera = stream !== undefined;
  const engine = useStore(recognizerState);
  // Why there is none is told above.
  if (engine.phase === 'failed') return <p class="stage-note">It is read as soon as the network is there.</p>;
  if (phase === 'loading') {
    const share = engine.phase === 'loading' ? engine.share : undefined;
    return (
      <div class="stage-note">
        <Progress label="Loading the network" share={share} />
      </div>
    );
  }
  const text =
    phase === 'ended'
      ? camera
        ? undefined
        : 'The video has ended.'
      : phase === 'failed'
        ? undefined
        : !playing
          ? 'Paused'
          : muted
            ? mutedText
            : faces === undefined
              ? 'Waiting for the first frame'
              : faces > 0
                ? undefined
                : camera
                  ? 'No face found. Look into the camera, with light on your face.'
                  : 'No face in this picture.';
  return text === undefined ? null : <p class="stage-note">{text}</p>;
}

interface FaceButtonsProps {
  readonly ids: readonly number[];
  readonly chosen: Chosen;
  readonly onChoose: (chosen: Chosen) => void;
}

/** Which face is shown; nothing where there is no choice. */
function FaceButtons({ ids, chosen, onChoose }: FaceButtonsProps) {
  if (ids.length < 2 && chosen === 'largest') return null;
  const all = typeof chosen === 'number' && !ids.includes(chosen) ? [...ids, chosen] : ids;
  return (
    <fieldset class="face-buttons">
      <legend class="visually-hidden">Face whose scores are shown</legend>
      <button type="button" class="face-button" aria-pressed={chosen === 'largest'} onClick={() => onChoose('largest')}>
        Largest
      </button>
      {all.slice(0, 8).map((id) => (
        <button
          key={id}
          type="button"
          class="face-button"
          aria-pressed={chosen === id}
          aria-label={`Face ${id}`}
          onClick={() => onChoose(id)}
        >
          {id}
        </button>
      ))}
    </fieldset>
  );
}
