import { recognizeVideo, type VideoFrame } from 'poster-v2';
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../state/errors.js';
import { announce, notify } from '../state/notices.js';
import { getRecognizer, recognizerState } from '../state/recognizer.js';
import { useStore } from '../state/store.js';
import { type History, withFrame } from './history.js';
import { type Pace, PaceMeter } from './rate.js';
import type { Source } from './source.js';
import { spoken } from './text.js';

/** What is known of a video while it plays. */
export interface Reading {
  readonly phase: 'loading' | 'reading' | 'ended' | 'failed';
  readonly reason?: string;
  readonly latest: VideoFrame | undefined;
  readonly history: History;
  readonly pace: Pace;
}

const nothing: Reading = {
  phase: 'loading',
  latest: undefined,
  history: [],
  pace: { rate: undefined, latency: undefined },
};

/** Milliseconds between two sentences for screen readers. */
const speechEvery = 5000;

/**
 * Reads what a video element plays for as long as the component is there. Another source begins anew, and so does another network.
 * @param round another number reads again what has ended
 */
export function useRecognizedVideo(video: RefObject<HTMLVideoElement | null>, source: Source, round: number): Reading {
  const [reading, setReading] = useState(nothing);
  const state = useStore(recognizerState);
  const recognizer = state.phase === 'ready' ? state.recognizer : undefined;
  const reason = state.phase === 'failed' ? state.reason : undefined;
  const rounds = useRef(0);
  useEffect(() => {
    getRecognizer().catch(() => undefined);
  }, []);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    if (recognizer === undefined) {
      setReading({ ...nothing, ...(reason === undefined ? {} : { phase: 'failed', reason }) });
      return undefined;
    }
    const leaving = new AbortController();
    const { signal } = leaving;
    const meter = new PaceMeter(element, source.kind === 'camera');
    // What was read of a file stays when it is played again.
    const again = round !== rounds.current;
    rounds.current = round;
    setReading((before) => ({ ...(again ? before : nothing), phase: 'reading' }));
    if (source.kind === 'file' && !again) {
      // It may have played, and even ended, while the network was loaded.
      element.currentTime = 0;
      // Where the browser wants a click first, the button says Play.
      element.play().catch(() => undefined);
    }
    const read = async (): Promise<void> => {
      let [said, when, hidden] = ['', 0, false];
      let before: VideoFrame | undefined;
      document.addEventListener(
        'visibilitychange',
        () => {
          if (document.hidden) hidden = !element.paused && !element.ended;
          else if (hidden) notify('Nothing was read while this tab was in the background.');
        },
        { signal },
      );
      for await (const frame of recognizeVideo(recognizer, element, { signal })) {
        const previous = before;
        before = frame;
        setReading(({ history }) => ({
          phase: 'reading',
          latest: frame,
          history: withFrame(history, frame, previous),
          pace: meter.pace(frame),
        }));
        const sentence = spoken(frame);
        if (sentence !== said && performance.now() - when > speechEvery) {
          [said, when] = [sentence, performance.now()];
          announce(sentence);
        }
      }
      setReading((last) => ({ ...last, phase: 'ended' }));
      announce(source.kind === 'camera' ? 'The camera has stopped.' : 'The video has ended.');
    };
    read()
      .catch((error: unknown) => {
        if (!signal.aborted) setReading((last) => ({ ...last, phase: 'failed', reason: messageOf(error) }));
      })
      .finally(() => meter.close());
    return () => leaving.abort();
  }, [video, source, round, recognizer, reason]);
  return reading;
}
