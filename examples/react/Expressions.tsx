import type { RecognizedFace } from 'poster-v2';
import { useEffect, useState } from 'react';
import { useRecognizer } from './useRecognizer';

/** A picture, and the expressions of its faces as bars. */
export function Expressions({ picture }: { readonly picture: Blob }) {
  const loading = useRecognizer();
  const [result, setResult] = useState<readonly RecognizedFace[] | Error>();
  const address = useObjectUrl(picture);

  useEffect(() => {
    setResult(undefined);
    if (loading.status !== 'ready') return;
    // A picture that is replaced while it is being read.
    const stop = new AbortController();
    loading.recognizer.recognize(picture, { signal: stop.signal }).then(
      ({ faces }) => stop.signal.aborted || setResult(faces),
      (error: Error) => stop.signal.aborted || setResult(error),
    );
    return () => stop.abort();
  }, [loading, picture]);

  return (
    <section>
      {address && <img src={address} alt="Your choice" />}
      <p role="status">{sentence(loading.status === 'failed' ? loading.error : result)}</p>
      {Array.isArray(result) && result.map((face, i) => <Bars key={String(i)} face={face} />)}
    </section>
  );
}

function sentence(result: readonly RecognizedFace[] | Error | undefined): string {
  if (result === undefined) return 'One moment ...';
  // Whatever can be mended is said in one sentence.
  if (result instanceof Error) return result.message;
  return result.length === 0 ? 'There is no face in it.' : result.map(({ expression }) => expression).join(', ');
}

function Bars({ face }: { readonly face: RecognizedFace }) {
  return (
    <ol>
      {face.scores.map(({ label, probability }) => (
        <li key={label}>
          {label} <meter value={probability} /> <span>{Math.round(probability * 100)}%</span>
        </li>
      ))}
    </ol>
  );
}

/** An address of a picture for as long as it is shown. */
function useObjectUrl(picture: Blob): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(picture);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [picture]);
  return address;
}
