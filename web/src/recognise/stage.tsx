import { inkOn, type RecognizedFace } from 'poster-v2';
import { recognizerState } from '../state/recognizer.js';
import { useStore } from '../state/store.js';
import { Button, Problem, Progress, percentText } from '../ui/index.js';
import { faceColours } from './face-colours.js';
import { chooseFace, closePicture, type OpenedPicture, readAgain } from './pictures.js';

/** Faces up to which each is labelled in words: in a crowd the words would cover other faces. */
const labelled = 6;

interface StageProps {
  readonly picture: OpenedPicture;
  readonly face: number;
}

/** The picture with a frame about each face, or what keeps it from being shown. */
export function Stage({ picture, face }: StageProps) {
  const { result, url, name, id } = picture;
  const { phase: engine } = useStore(recognizerState);
  if (result.phase === 'failed') {
    return (
      <Problem
        title={`${name} could not be read`}
        actions={
          <>
            <Button onClick={() => readAgain(id)}>Try again</Button>
            <Button kind="quiet" onClick={() => closePicture(id)}>
              Close it
            </Button>
          </>
        }
      >
        {result.reason}
      </Problem>
    );
  }
  const isRead = result.phase === 'read';
  const faces = isRead ? result.recognition.faces : [];
  return (
    <figure class="stage" aria-busy={!isRead}>
      <div class={faces.length > labelled ? 'stage-picture stage-crowd' : 'stage-picture'}>
        <img class="stage-image" src={url} alt={name} />
        {isRead
          ? faces.map((one, i) => (
              <FaceFrame
                key={`${one.box.x} ${one.box.y}`}
                face={one}
                index={i}
                count={faces.length}
                isChosen={i === face}
                size={result.recognition}
              />
            ))
          : null}
      </div>
      {isRead ? null : (
        <div class="stage-progress">
          {engine === 'failed' ? (
            <p>It is read as soon as the network is there.</p>
          ) : (
            <Progress label={engine === 'ready' ? 'Looking for faces' : 'Loading the network'} share={undefined} />
          )}
        </div>
      )}
    </figure>
  );
}

interface FaceFrameProps {
  readonly face: RecognizedFace;
  readonly index: number;
  readonly count: number;
  readonly isChosen: boolean;
  readonly size: { readonly width: number; readonly height: number };
}

/** A frame about a face, and a button that shows its scores. */
function FaceFrame({ face, index, count, isChosen, size }: FaceFrameProps) {
  const { box, expression, probability, scores } = face;
  const colour = faceColours(scores).get(expression);
  const [left, top] = [Math.max(0, box.x), Math.max(0, box.y)];
  const [right, bottom] = [Math.min(size.width, box.x + box.width), Math.min(size.height, box.y + box.height)];
  const number = count > 1 ? `${index + 1} ` : '';
  const share = (value: number, of: number): string => `${(100 * value) / of}%`;
  return (
    <button
      type="button"
      class={isChosen ? 'face-frame face-chosen' : 'face-frame'}
      aria-pressed={isChosen}
      aria-label={`${number}${expression} ${percentText(probability)}, face ${index + 1} of ${count}`}
      onClick={() => chooseFace(index)}
      style={{
        left: share(left, size.width),
        top: share(top, size.height),
        width: share(right - left, size.width),
        height: share(bottom - top, size.height),
        ...(colour === undefined ? {} : { '--face': colour, '--face-ink': inkOn(colour) }),
      }}
    >
      <span
        class={[
          'face-tag',
          top / size.height > 0.12 ? '' : 'face-tag-below',
          left + right > 1.2 * size.width ? 'face-tag-left' : '',
        ].join(' ')}
      >
        {number}
        <span class="face-word">{expression}</span>
      </span>
    </button>
  );
}
