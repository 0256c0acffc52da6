'use client';

import type { Recognition, Recognizer } from 'poster-v2';
import { useEffect, useState } from 'react';

/** A field for a picture, and the expressions of its faces. */
export function Expressions() {
  const [recognizer, setRecognizer] = useState<Recognizer>();
  const [picture, setPicture] = useState<File>();
  const [result, setResult] = useState<Recognition | Error>();

  useEffect(() => {
    // Imported in the browser alone: Next.js runs client components on the server, too.
    const loading = import('poster-v2').then(({ Recognizer }) => Recognizer.load());
    loading.then(setRecognizer, setResult);
    return () => {
      loading.then((loaded) => loaded.dispose()).catch(() => undefined);
    };
  }, []);

  useEffect(() => {
    if (recognizer === undefined || picture === undefined) return;
    const stop = new AbortController();
    recognizer.recognize(picture, { signal: stop.signal }).then(
      (recognition) => stop.signal.aborted || setResult(recognition),
      (error: Error) => stop.signal.aborted || setResult(error),
    );
    return () => stop.abort();
  }, [recognizer, picture]);

  return (
    <>
      <label>
        Choose a picture <input type="file" accept="image/*" onChange={({ target }) => setPicture(target.files?.[0])} />
      </label>
      <p role="status">{sentence(result)}</p>
    </>
  );
}

function sentence(result: Recognition | Error | undefined): string {
  if (result === undefined) return '';
  // Whatever can be mended is said in one sentence.
  if (result instanceof Error) return result.message;
  return result.faces.map(({ expression }) => expression).join(', ') || 'There is no face in it.';
}
