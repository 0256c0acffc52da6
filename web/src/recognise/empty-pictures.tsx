import { routeTo } from '../state/route.js';
import { Button, Icon } from '../ui/index.js';

interface EmptyPicturesProps {
  readonly onChoose: () => void;
  readonly onPaste: () => void;
  readonly onSample: () => void;
}

/** Before the first picture: what this is, and four ways to begin. */
export function EmptyPictures({ onChoose, onPaste, onSample }: EmptyPicturesProps) {
  return (
    <div class="welcome">
      <div class="welcome-words">
        <h1 class="title">What does a face show?</h1>
        <p class="lead">
          Open a picture. Poster finds the faces in it and says which expression each one shows, how sure it is, and
          where it looked.
        </p>
        <p class="promise">
          <Icon name="lock" />
          <span>Pictures stay on this machine. Everything is computed in your browser, and it works offline.</span>
        </p>
        <p class="muted">
          It names what people would say a face shows, not what a person feels.{' '}
          <a href={routeTo('about', 'trust')}>How far to trust it</a>
        </p>
      </div>
      <div class="drop-zone welcome-drop">
        <CornerMarks />
        <p class="welcome-drop-title">Drop pictures here</p>
        <div class="drop-zone-actions">
          <Button kind="primary" icon="upload" onClick={onChoose}>
            Choose pictures
          </Button>
          <Button icon="paste" onClick={onPaste}>
            Paste
          </Button>
        </div>
        <button type="button" class="sample" onClick={onSample}>
          <img class="sample-image" src="sample.webp" alt="" width={56} height={56} />
          <span class="sample-words">
            <span class="sample-title">Try the sample</span>
            <span class="hint">Eileen Collins, astronaut. NASA, public domain.</span>
          </span>
        </button>
      </div>
    </div>
  );
}

/** The frame of a face, as the page draws it over pictures. */
function CornerMarks() {
  return (
    <svg class="corner-marks" viewBox="0 0 96 96" aria-hidden="true">
      <path d="M4 26V14A10 10 0 0 1 14 4H26M70 4H82A10 10 0 0 1 92 14V26M92 70V82A10 10 0 0 1 82 92H70M26 92H14A10 10 0 0 1 4 82V70" />
      <path class="corner-marks-face" d="M33 56c6.500 11 23.500 11 30 0M36 37h.01M60 37h.01" />
    </svg>
  );
}
