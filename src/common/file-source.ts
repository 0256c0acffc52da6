/** The bytes of a file, or where it is. A string is a path on Node, never an address; in browsers it is an address. */
export type FileSource = string | URL | Uint8Array | ArrayBuffer | Blob;
