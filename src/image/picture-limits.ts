// What pictures may be and take: docs/limits.md describes it.

/** Bytes of a file or of an answer of a server. */
export const maxFileBytes = 256 * 1024 * 1024;
/** Bytes of all files that are read and not decoded yet. */
export const maxFilesBytes = 512 * 1024 * 1024;
/** Pictures above this many pixels are refused: a small file can claim to be huge. 64 megapixels are 192 MB of RGB. */
export const maxPixels = 64_000_000;
/** Pixels of the longer side: each row takes time of its own, however short it is. */
export const maxSide = 65_535;
/** Frames or pages: decoders go through all of them for the first, some in time by the square of their number. */
export const maxFrames = 10_000;
/** Bytes that decoding one picture may take, its RGB pixels among them. */
export const maxDecodingBytes = 640 * 1024 * 1024;
/** Bytes of all pictures of the process that are being decoded, or wait decoded for the networks. */
export const maxPictureBytes = 768 * 1024 * 1024;
/** Seconds of a processor that decoding one picture may take, as its header, length and passes let expect. */
export const maxDecodingSeconds = 2;

/** Seconds without anything from a server after which it is given up. */
export const silenceSeconds = 30;
/** Seconds that a server's whole answer may take. */
export const answerSeconds = 120;
/** How often an answer may lead to another address. */
export const maxRedirects = 10;
