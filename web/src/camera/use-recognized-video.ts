import { recognizeVideo, type VideoFrame } from 'poster-v2';
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../state/errors.js';
import { announce, notify } from '../state/notices.js';
import { getRecognizer, recognizerState, wasReplaced } from '../state/recognizer.js';
import { useStore } from '../state/store.js';
import { type History, withFrame } from './history.js';
import { type Pace, PaceMeter } from './rate.js';
import type { Source } from './source.js';
import { spoken } from './text.js';

/** What is known of a video while it plays. */
export interface Reading {
  readonly phase: 'loading' | 'reading' | 'ended' | 'failed';
  readonly reason?: string;
  /** What the network tells apart. */
  readonly labels: readonly string[];
  readonly latest: VideoFrame | undefined;
  readonly history: History;
  readonly pace: Pace;
}

const nothing: Omit<Reading, 'phase'> = {
  labels: [],
  latest: undefined,
  history: [],
  pace: { rate: undefined, latency: undefined },
};

/** Milliseconds between two sentences for screen readers. */
const speechEvery = 5000;

/**
 * Reads what a video element plays for as long as the component is there. Another source begins anew, and so does another model; with
 * other threads or on another device it goes on.
 * @param round another number reads again what has ended
 */
export function useRecognizedVideo(video: RefObject<HTMLVideoElement | null>, source: Source, round: number): Reading {
  const [reading, setReading] = useState<Reading>({ ...nothing, phase: 'loading' });
  const state = useStore(recognizerState);
  const recognizer = state.phase === 'ready' ? state.recognizer : undefined;
  const model = state.phase === 'ready' ? state.engine.model : undefined;
  const begun = useRef<{ readonly source: Source; readonly model: File | undefined } | undefined>(undefined);
  const last = useRef<{ readonly frame: VideoFrame; readonly at: number } | undefined>(undefined);
  useEffect(() => {
    getRecognizer().catch(() => undefined);
  }, []);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    if (recognizer === undefined) {
      setReading(({ reason: _, ...before }) => ({ ...before, phase: 'loading' }));
      return undefined;
    }
    const leaving = new AbortController();
    const { signal } = leaving;
    const meter = new PaceMeter(element, source.kind === 'camera');
    const goesOn = begun.current?.source === source && begun.current.model === model;
    begun.current = { source, model };
    const goOn = goesOn && source.kind === 'camera' && last.current !== undefined ? later(last.current) : undefined;
    const { labels } = recognizer.labels;
    setReading(({ reason: _, ...before }) => ({ ...(goesOn ? before : nothing), labels, phase: 'reading' }));
    if (source.kind === 'file' && !goesOn) {
      // It may have played, and even ended, while the network was loaded.
      element.currentTime = 0;
      // Where the browser wants a click first, the button says Play.
      element.play().catch(() => undefined);
    }
    const read = async (): Promise<void> => {
      let [announced, when, hidden] = ['', 0, false];
      let before: VideoFrame | undefined;
      document.addEventListener(
        'visibilitychange',
        () => {
          if (document.hidden) hidden = !element.paused && !element.ended;
          else if (hidden) notify('Nothing was read while this tab was in the background.');
        },
        { signal },
      );
      for await (const read of recognizeVideo(recognizer, element, { signal })) {
        const frame = goOn === undefined ? read : goOn(read);
        const previous = before;
        before = frame;
        last.current = { frame, at: performance.now() };
        setReading(({ history }) => ({
          phase: 'reading',
          labels,
          latest: frame,
          history: withFrame(history, frame, previous),
          pace: meter.pace(read),
        }));
        const sentence = spoken(frame);
        if (sentence !== announced && performance.now() - when > speechEvery) {
          [announced, when] = [sentence, performance.now()];
          announce(sentence);
        }
      }
      setReading((last) => ({ ...last, phase: 'ended' }));
      announce(source.kind === 'camera' ? 'The camera has stopped.' : 'The video has ended.');
    };
    read()
      .catch(async (error: unknown) => {
        if (signal.aborted || (await wasReplaced(error, recognizer))) return;
        setReading((last) => ({ ...last, phase: 'failed', reason: messageOf(error) }));
      })
      .finally(() => meter.close());
    return () => leaving.abort();
  }, [video, source, round, recognizer, model]);
  return reading;
}

/** Times and numbers of a camera's frames begin at 0 whenever it is read anew: they go on from the last frame before. */
function later({ frame: before, at }: { readonly frame: VideoFrame; readonly at: number }) {
  const passed = (performance.now() - at) / 1000;
  return (frame: VideoFrame): VideoFrame => ({
    ...frame,
    time: before.time + passed + frame.time,
    frame: before.frame + 1 + frame.frame,
  });
}
