import type { Picture, Recognizer, Score } from 'poster-v2';
import { useRef, useState } from 'preact/hooks';
import { messageOf } from '../state/errors.js';
import { Button, Problem, Progress, Select } from '../ui/index.js';
import type { DrawnExplanation } from './explanations.js';
import { PictureCanvas } from './picture-canvas.js';

interface ExplanationProps {
  readonly file: Blob;
  /** The face's index. */
  readonly face: number;
  /** What the network saw, in colours and larger. */
  readonly portrait: Picture;
  readonly scores: readonly Score[];
  readonly recognizer: Recognizer;
}

type State =
  | { readonly phase: 'closed' }
  | { readonly phase: 'working' }
  | { readonly phase: 'failed'; readonly reason: string }
  | { readonly phase: 'shown'; readonly explanation: DrawnExplanation };

/** What the network looked at, once it is asked for: it takes another run of the network. */
export function Explanation({ file, face, portrait, scores, recognizer }: ExplanationProps) {
  const [state, setState] = useState<State>({ phase: 'closed' });
  const asked = useRef(0);
  const explain = (target?: string): void => {
    // What was asked for before may be answered later.
    const mine = ++asked.current;
    const show = (next: State): void => {
      if (mine === asked.current) setState(next);
    };
    if (state.phase === 'closed') setState({ phase: 'working' });
    // What explains is fetched now: most visitors never ask.
    import('./explanations.js')
      .then(({ drawnExplanation }) => drawnExplanation({ recognizer, file, face, portrait, target }))
      .then((explanation) => show({ phase: 'shown', explanation }))
      .catch((error: unknown) => show({ phase: 'failed', reason: messageOf(error) }));
  };
  switch (state.phase) {
    case 'closed':
      return (
        <Button icon="eye" onClick={() => explain()}>
          Show what it looked at
        </Button>
      );
    case 'working':
      return <Progress label="Computing the explanation" share={undefined} />;
    case 'failed':
      return (
        <Problem title="The explanation failed" actions={<Button onClick={() => explain()}>Try again</Button>}>
          {state.reason}
        </Problem>
      );
    case 'shown':
      return <Maps explanation={state.explanation} scores={scores} onTarget={explain} />;
  }
}

interface MapsProps {
  readonly explanation: DrawnExplanation;
  readonly scores: readonly Score[];
  readonly onTarget: (label: string) => void;
}

function Maps({ explanation: { target, attention, relevance, decides }, scores, onTarget }: MapsProps) {
  const features = decides ? 'Where it takes its features from' : 'Where it looks first';
  return (
    <div class="maps">
      <h3 class="subtitle">What it looked at</h3>
      <div class="evidence-pair">
        <figure>
          <PictureCanvas picture={attention} label={features} />
          <figcaption>{features}</figcaption>
        </figure>
        <figure>
          <PictureCanvas picture={relevance} label={`What speaks for ${target}`} />
          <figcaption>What speaks for {target}</figcaption>
        </figure>
      </div>
      <p class="ramp" aria-hidden="true">
        <span>little</span>
        <span class="ramp-bar" />
        <span>much</span>
      </p>
      <Select
        label="What speaks for"
        value={target}
        options={scores.map(({ label }) => ({ value: label, text: label }))}
        onChange={onTarget}
      />
    </div>
  );
}
