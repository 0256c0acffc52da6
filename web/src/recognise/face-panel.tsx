import { routeTo } from '../state/route.js';
import { Button, Icon, percentText, ScoreBars } from '../ui/index.js';
import { Explanation } from './explanation-view.js';
import { faceColours } from './face-colours.js';
import { PictureCanvas } from './picture-canvas.js';
import { chooseFace, type OpenedPicture, type ReadResult } from './pictures.js';

interface FacePanelProps {
  readonly picture: OpenedPicture;
  readonly result: ReadResult;
  readonly face: number;
}

/** All about the chosen face. */
export function FacePanel({ picture, result, face }: FacePanelProps) {
  const { faces, frames } = result.recognition;
  const chosen = faces[face];
  if (chosen === undefined) return <NoFace />;
  const colours = faceColours(chosen.scores);
  return (
    <div class="face-panel">
      <div class="face-head">
        {faces.length > 1 ? <FaceSteps face={face} count={faces.length} /> : <p class="kicker">One face</p>}
        <h2 class="expression">
          <span class="expression-dot" style={{ background: colours.get(chosen.expression) }} aria-hidden="true" />
          <span class="expression-word">{chosen.expression}</span>
          <span class="expression-share">{percentText(chosen.probability)}</span>
        </h2>
      </div>
      <ScoreBars scores={chosen.scores} colours={colours} caption="Probability of each expression" />
      {chosen.lowContrast ? (
        <p class="remark">
          <Icon name="info" />
          <span>This face is dark or washed out. Its contrast was raised, and it is read less surely.</span>
        </p>
      ) : null}
      {frames > 1 ? (
        <p class="remark">
          <Icon name="info" />
          <span>The file has {frames} frames. The first was read.</span>
        </p>
      ) : null}
      <p class="caution">
        It names what people would say a face shows, not what a person feels.{' '}
        <a href={routeTo('about', 'trust')}>How far to trust it</a>
      </p>
      {chosen.crop === undefined || chosen.portrait === undefined ? null : (
        <section class="evidence" aria-label="What the network saw">
          <h3 class="subtitle">What the network saw</h3>
          <div class="evidence-pair">
            <figure>
              <PictureCanvas picture={chosen.portrait} label="The face, cut out and turned upright" />
              <figcaption>Cut out, upright</figcaption>
            </figure>
            <figure>
              <PictureCanvas picture={chosen.crop} pixelated label="The pixels that the network takes" />
              <figcaption>
                As it goes in, {chosen.crop.width} x {chosen.crop.height}
              </figcaption>
            </figure>
          </div>
          <Explanation
            key={`${picture.id} ${face}`}
            file={picture.file}
            face={face}
            portrait={chosen.portrait}
            scores={chosen.scores}
            recognizer={result.recognizer}
          />
        </section>
      )}
    </div>
  );
}

function FaceSteps({ face, count }: { readonly face: number; readonly count: number }) {
  return (
    <div class="face-steps">
      <p class="kicker">
        Face {face + 1} of {count}
      </p>
      <div class="actions">
        <Button kind="quiet" disabled={face === 0} staysFocused onClick={() => chooseFace(face - 1)}>
          Previous
        </Button>
        <Button kind="quiet" disabled={face === count - 1} staysFocused onClick={() => chooseFace(face + 1)}>
          Next
        </Button>
      </div>
    </div>
  );
}

function NoFace() {
  return (
    <div class="face-panel">
      <h2 class="expression">
        <span class="expression-word">No face found</span>
      </h2>
      <p class="muted">
        Faces are found from about 20 pixels on, and from the front better than from the side. A larger or brighter
        picture may help.
      </p>
    </div>
  );
}
