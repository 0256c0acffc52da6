import { createStore } from '../state/store.js';
import type { History } from './history.js';

/** What was read of a video, to be saved. */
export interface Recorded {
  /** Of its source; files that are saved are named after it. */
  readonly name: string;
  readonly labels: readonly string[];
  readonly history: History;
}

/** Of the camera that ran last. A camera does not show again what it showed: this is kept until the next one, or as long as the page. */
export const lastCamera = createStore<Recorded | undefined>(undefined);
