import { Recognizer } from 'poster-v2';
import { useEffect, useState } from 'react';

/** A recognizer on its way. */
export type Loading =
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly recognizer: Recognizer }
  | { readonly status: 'failed'; readonly error: Error };

/**
 * A recognizer for as long as the component is mounted. Unmounting disposes of it, which ends its worker, also where it is still
 * being loaded: React's StrictMode mounts twice, and one worker stays.
 */
export function useRecognizer(): Loading {
  const [state, setState] = useState<Loading>({ status: 'loading' });
  useEffect(() => {
    let mounted = true;
    const loading = Recognizer.load();
    loading.then(
      (recognizer) => mounted && setState({ status: 'ready', recognizer }),
      (error: Error) => mounted && setState({ status: 'failed', error }),
    );
    return () => {
      mounted = false;
      setState({ status: 'loading' });
      loading.then((recognizer) => recognizer.dispose()).catch(() => undefined);
    };
  }, []);
  return state;
}
