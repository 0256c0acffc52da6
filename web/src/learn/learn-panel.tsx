import { useEffect } from 'preact/hooks';
import { useStore } from '../state/store.js';
import { Problem } from '../ui/index.js';
import { AddClass } from './add-class.js';
import { stopCamera } from './camera-stream.js';
import { CameraView } from './camera-view.js';
import { ClassCard } from './class-card.js';
import { KeepPanel } from './keep-panel.js';
import { stopRecording } from './recording.js';
import { openShots, shotsState } from './shots-state.js';
import { TrainPanel } from './train-panel.js';
import { TryPanel } from './try-panel.js';

/** The tab Learn: classes and their pictures, training, trying, keeping. */
export function LearnPanel() {
  const state = useStore(shotsState);
  useEffect(() => {
    void openShots();
    // The camera's light goes out with the tab.
    return () => {
      stopRecording();
      stopCamera();
    };
  }, []);
  if (state === undefined) return <section class="panel" aria-busy="true" />;
  const { classes, problem, isDeletionPending } = state;
  return (
    <section class="panel">
      <div>
        <h1 class="title">Teach it expressions of your own</h1>
        <p class="lead">
          Record some 20 pictures of each, train for a minute, and try it. Everything stays in this browser.
        </p>
      </div>
      {problem === undefined ? null : (
        <Problem title={isDeletionPending ? 'Not everything is deleted' : 'Not everything is kept'}>{problem}</Problem>
      )}
      <div class="learn">
        <div class="learn-classes">
          <h2 id="record" class="learn-step" tabIndex={-1}>
            1. Record
          </h2>
          <CameraView />
          <ul class="class-list">
            {classes.map((one) => (
              <ClassCard key={one.id} of={one} />
            ))}
          </ul>
          <AddClass count={classes.length} />
        </div>
        <div class="learn-side">
          <TrainPanel classes={classes} />
          <TryPanel />
          <KeepPanel classes={classes} isDeletionPending={isDeletionPending} />
        </div>
      </div>
    </section>
  );
}
