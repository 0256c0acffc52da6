/** What starts the worker that computes. It is fetched once the page is drawn. */
import { configureRuntime, Recognizer } from 'poster-v2';

configureRuntime({ wasmPaths: new URL('../runtime/', import.meta.url) });

export { Recognizer };
