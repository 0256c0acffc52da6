import { faceShot } from 'poster-v2/train';
import { isMuted } from '../camera/use-muted.js';
import { messageOf } from '../state/errors.js';
import { announce, notify } from '../state/notices.js';
import { getRecognizer, wasReplaced } from '../state/recognizer.js';
import { createStore } from '../state/store.js';
import { camera, cameraVideo, startCamera } from './camera-stream.js';
import { changeShots, nameOfClass, picturesText, shotSide } from './shots-state.js';

/** The class that is recorded, and how many frames gave a face and how many did not. */
export interface Recording {
  readonly classId: string;
  readonly taken: number;
  readonly missed: number;
}

export const recording = createStore<Recording | undefined>(undefined);

/** Milliseconds between two shots: faces that are nearly the same teach nothing. */
const interval = 150;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

let turn = 0;

/** Records until {@link stopRecording}, or until so many were taken. */
export async function startRecording(classId: string, most = Number.POSITIVE_INFINITY): Promise<void> {
  const own = ++turn;
  const goesOn = (): boolean => own === turn && nameOfClass(classId) !== undefined;
  recording.set({ classId, taken: 0, missed: 0 });
  let [taken, missed] = [0, 0];
  try {
    await startCamera();
    while (goesOn() && taken < most && camera.value.phase === 'on') {
      const begun = performance.now();
      const video = cameraVideo.value;
      // The first frame is not there at once, and a camera that is closed shows the last one.
      const isThere = video !== undefined && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
      if (!isThere || isMuted(camera.value.stream)) {
        await pause(50);
        continue;
      }
      const recognizer = await getRecognizer();
      const recognition = await recognizer.recognize(video, { portraits: shotSide }).catch(async (error: unknown) => {
        if (!(await wasReplaced(error, recognizer))) throw error;
      });
      if (recognition === undefined) continue;
      const picture = await faceShot(recognition, recognizer.template);
      const label = nameOfClass(classId);
      if (!goesOn() || label === undefined) break;
      if (picture === undefined) missed++;
      else {
        if (!(await changeShots((shots) => shots.add([{ label, picture }])))) break;
        taken++;
      }
      if (own === turn) recording.set({ classId, taken, missed });
      await pause(Math.max(0, interval - (performance.now() - begun)));
    }
  } catch (error) {
    notify(messageOf(error), { kind: 'error' });
  } finally {
    if (own === turn) recording.set(undefined);
    const name = nameOfClass(classId);
    if (name !== undefined && taken + missed > 0) announce(`${picturesText(taken)} recorded for ${name}.`);
    if (taken === 0 && missed > 0)
      notify('No face was seen. Look into the camera, with light from the front, then record again.');
  }
}

export function stopRecording(): void {
  turn++;
  recording.set(undefined);
}
