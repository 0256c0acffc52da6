import { useEffect, useRef } from 'preact/hooks';
import { startRecording, stopRecording } from './recording.js';

interface RecordButtonProps {
  readonly classId: string;
  readonly name: string;
  readonly isRecorded: boolean;
}

/** Pictures of a click that nothing holds, as of a screen reader. */
const burst = 10;

/** Records for as long as it is held: by a mouse, a finger, the space bar or Enter. */
export function RecordButton({ classId, name, isRecorded }: RecordButtonProps) {
  const held = useRef(false);
  /** A click comes after each release of a pointer; that of a screen reader comes alone. */
  const wasPressed = useRef(false);
  const hold = (): void => {
    if (held.current) return;
    held.current = true;
    void startRecording(classId);
  };
  const release = (): void => {
    if (!held.current) return;
    held.current = false;
    stopRecording();
  };
  useEffect(() => release, []);
  return (
    <button
      type="button"
      class={isRecorded ? 'button button-record button-recording' : 'button button-record'}
      aria-pressed={isRecorded}
      aria-label={`Hold to record ${name}`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        wasPressed.current = true;
        hold();
      }}
      onPointerUp={release}
      onPointerCancel={release}
      onLostPointerCapture={release}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key !== ' ' && event.key !== 'Enter') return;
        event.preventDefault();
        hold();
      }}
      onKeyUp={(event) => {
        // It would click, too.
        if (event.key === ' ') event.preventDefault();
        release();
      }}
      onBlur={release}
      onClick={({ detail }) => {
        // Of a pointer that left the button no click came: the next may still be a screen reader's, which presses nothing.
        if (!wasPressed.current || detail === 0) void startRecording(classId, burst);
        wasPressed.current = false;
      }}
    >
      <span class="record-dot" aria-hidden="true" />
      <span>{isRecorded ? 'Recording…' : 'Hold to record'}</span>
    </button>
  );
}
