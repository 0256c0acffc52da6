/* What takes a page's thread for long: programs of WebAssembly that are started in it, and pixels that are read in it. */

export interface PageWork {
  /** Programs of WebAssembly. */
  readonly programs: number;
  /** Most pixels that were read of a canvas at once. */
  readonly pixels: number;
}

/** From now on. */
export function countedWork(): { stop(): PageWork } {
  let [programs, pixels] = [0, 0];
  const { instantiate, instantiateStreaming } = WebAssembly;
  WebAssembly.instantiate = (...given: unknown[]) => {
    programs++;
    return Reflect.apply(instantiate, WebAssembly, given);
  };
  WebAssembly.instantiateStreaming = (...given) => {
    programs++;
    return instantiateStreaming(...given);
  };
  const canvases = [OffscreenCanvasRenderingContext2D.prototype, CanvasRenderingContext2D.prototype];
  const restores = canvases.map((canvas) => {
    const { getImageData } = canvas;
    canvas.getImageData = function (...given) {
      pixels = Math.max(pixels, given[2] * given[3]);
      return Reflect.apply(getImageData, this, given);
    };
    return () => {
      canvas.getImageData = getImageData;
    };
  });
  return {
    stop() {
      Object.assign(WebAssembly, { instantiate, instantiateStreaming });
      for (const restore of restores) restore();
      return { programs, pixels };
    },
  };
}
