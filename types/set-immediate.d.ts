/** Node's alone, in no standard: who uses it asks whether it is there. */
declare const setImmediate: ((callback: () => void) => unknown) | undefined;
