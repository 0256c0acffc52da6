import type { ImageSource, RecognizedFace, Score } from 'poster-v2';
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../state/errors.js';
import { announce } from '../state/notices.js';
import { useStore } from '../state/store.js';
import { Button, Problem, ScoreBars, useFileChooser } from '../ui/index.js';
import { camera, cameraVideo, startCamera } from './camera-stream.js';
import { learnedRecognizer, type Result, training } from './training.js';

/** Trying what was learned: with the camera, or a picture. */
export function TryPanel() {
  const state = useStore(training);
  return (
    <div class="card learn-card">
      <h2 class="learn-step">3. Try it</h2>
      {state.phase === 'trained' ? (
        <Tried result={state.result} />
      ) : (
        <p class="hint">After training you can try it here.</p>
      )}
    </div>
  );
}

/** What a picture was read as; null: no face was found in it. */
type Answer = { readonly scores: readonly Score[] | null } | { readonly reason: string } | undefined;

/** As in what was recorded: the largest face is the visitor's, not the surest. */
function largest(faces: readonly RecognizedFace[]): RecognizedFace | undefined {
  const area = ({ box }: RecognizedFace): number => box.width * box.height;
  return faces.toSorted((a, b) => area(b) - area(a))[0];
}

async function answerTo(result: Result, image: ImageSource): Promise<Answer> {
  try {
    const recognizer = await learnedRecognizer(result);
    const { faces } = await recognizer.recognize(image);
    return { scores: largest(faces)?.scores ?? null };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

function Tried({ result }: { readonly result: Result }) {
  const [live, setLive] = useState(false);
  const [answer, setAnswer] = useState<Answer>(undefined);
  const { phase } = useStore(camera);
  const asked = useRef(0);
  const open = async (file: File): Promise<void> => {
    setLive(false);
    const mine = ++asked.current;
    const read = await answerTo(result, file);
    // Something else was asked for since.
    if (mine !== asked.current) return;
    setAnswer(read);
    if (read !== undefined && 'scores' in read) announce(read.scores?.[0]?.label ?? 'No face was found.');
  };
  const chooser = useFileChooser('image/*', ([file]) => {
    if (file !== undefined) void open(file);
  });
  useEffect(() => {
    if (!live) return undefined;
    asked.current++;
    let current = true;
    const watch = async (): Promise<void> => {
      await startCamera();
      while (current && camera.value.phase === 'on') {
        const video = cameraVideo.value;
        if (video !== undefined && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
          const read = await answerTo(result, video);
          if (!current) return;
          setAnswer(read);
          // It would be the same each time, and a worker more.
          if (read !== undefined && 'reason' in read) break;
        }
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      if (current) setLive(false);
    };
    void watch();
    return () => {
      current = false;
    };
  }, [live, result]);
  return (
    <>
      <div class="actions">
        <Button icon="camera" pressed={live && phase !== 'failed'} onClick={() => setLive(!live)}>
          {live ? 'Stop the camera' : 'Try with the camera'}
        </Button>
        {chooser.input}
        <Button icon="picture" onClick={chooser.open}>
          Open a picture
        </Button>
      </div>
      <Answered answer={answer} labels={result.labels} />
    </>
  );
}

function Answered({ answer, labels }: { readonly answer: Answer; readonly labels: readonly string[] }) {
  if (answer === undefined) return null;
  if ('reason' in answer) return <Problem title="It could not be tried">{answer.reason}</Problem>;
  if (answer.scores === null) return <p class="hint">No face is seen.</p>;
  // In their own order: bars that change places cannot be watched.
  const scores = labels.flatMap((label) => answer.scores?.filter((score) => score.label === label) ?? []);
  return <ScoreBars scores={scores} colours={hues(labels)} caption="What it reads" />;
}

/** Hues that are far apart, the golden angle between neighbours. */
const hues = (labels: readonly string[]): ReadonlyMap<string, string> =>
  new Map(labels.map((label, i) => [label, `oklch(62% 0.15 ${(290 + 137.5 * i) % 360})`]));
