import type { RecognitionEngine } from './recognition-engine.js';
import type { RecognizerOptions } from './recognizer.js';

/**
 * Loads a recognizer's networks in a thread of their own, as the host does it: `imports` in package.json lead from
 * `#recognition-thread` to Node's way or the web's.
 * @throws UserError as `Recognizer.load` does, and where the host has no such threads
 */
export declare function startEngine(options: RecognizerOptions): Promise<RecognitionEngine>;
