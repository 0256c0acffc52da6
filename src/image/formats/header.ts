/** What a picture's file says about itself, before anything is decoded. */
export interface PictureHeader {
  readonly format: 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF' | 'BMP';
  /** Pixels, as stored: before the picture is turned upright. */
  readonly width: number;
  readonly height: number;
  /** Frames of an animation, or pages. */
  readonly frames: number;
  /** Bytes that decoding to RGB takes at its highest, the result among them. */
  readonly memory: number;
  /** Seconds of a processor that decoding takes, estimated from pixels, bytes and passes. */
  readonly seconds: number;
}

/** What a pixel takes to become RGB where colours are inks, or such as a colour profile describes. */
export const cmykSeconds = 65e-9;
