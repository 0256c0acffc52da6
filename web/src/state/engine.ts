/** What computes. It is fetched once the page is drawn: it is larger than all the rest. */
import { configureRuntime } from 'poster-v2';

configureRuntime({ wasmPaths: new URL('../runtime/', import.meta.url) });

export { Recognizer } from 'poster-v2';
