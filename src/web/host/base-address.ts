let given: string | undefined;

/** In a worker: what addresses are relative to in the page that started it. */
export function setBaseAddress(address: string): void {
  given = address;
}

/** What addresses are relative to: the page, also in a worker that the package started; in another worker its own file. */
export function baseAddress(): string {
  return given ?? (typeof document === 'undefined' ? location.href : document.baseURI);
}
