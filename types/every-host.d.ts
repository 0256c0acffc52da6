/*
 * What the core uses of the globals that every host has, Node as well as browsers and their workers, by the web's standards.
 * Only tsconfig.core.json includes this file, in place of Node's types and of the DOM's: so the core cannot use what one host
 * alone has.
 */

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
}

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare const AbortController: new () => AbortController;

interface Blob {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}
declare const Blob: new (parts?: readonly (ArrayBuffer | Uint8Array<ArrayBuffer>)[]) => Blob;

interface URL {
  readonly href: string;
  readonly protocol: string;
}
declare const URL: {
  new (address: string, base?: string | URL): URL;
  canParse(address: string): boolean;
};

declare const TextEncoder: new () => { encode(text: string): Uint8Array<ArrayBuffer> };
declare const TextDecoder: new (
  encoding?: 'utf-8' | 'latin1',
  options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean },
) => { decode(bytes: Uint8Array): string };

interface FormData {
  append(name: string, value: Blob): void;
}
declare const FormData: new () => FormData;

interface Response {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}
declare function fetch(
  address: string,
  request: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly redirect: 'manual';
    readonly body?: Blob | FormData;
    readonly signal?: AbortSignal;
  },
): Promise<Response>;

/** Of base64; a character for each byte. */
declare function atob(text: string): string;
declare function structuredClone<T>(value: T, options?: { readonly transfer: readonly ArrayBuffer[] }): T;

/** What is transferred to a port that nobody listens to is gone. */
interface ChannelPort {
  onmessage: ((event: never) => unknown) | null;
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  close(): void;
}
declare const MessageChannel: new () => { readonly port1: ChannelPort; readonly port2: ChannelPort };

declare const performance: { now(): number };

/** A number in browsers, an object in Node: nothing to calculate with. */
interface Timer {
  readonly isTimer: unique symbol;
}
declare function setTimeout(callback: () => void, milliseconds: number): Timer;
declare function clearTimeout(timer: Timer | undefined): void;
declare namespace WebAssembly {
  interface Module {
    readonly isModule: unique symbol;
  }
  interface Memory {
    readonly buffer: ArrayBufferLike;
    grow(pages: number): number;
  }
  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
}
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;
  readonly Memory: new (size: { readonly initial: number }) => WebAssembly.Memory;
  readonly Instance: new (
    module: WebAssembly.Module,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => WebAssembly.Instance;
  readonly CompileError: new (message: string) => Error;
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
};
