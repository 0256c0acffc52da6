import type { DeviceName } from 'poster-v2';
import { createStore } from './store.js';

const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** What the visitor decides; kept in the browser, but for the file. */
export interface Settings {
  readonly device: Extract<DeviceName, 'cpu' | 'webgpu'>;
  /** Threads of the CPU; undefined: as many as the package takes. */
  readonly threads: number | undefined;
  /** A model of the visitor's; undefined: the one that comes with the package. */
  readonly model: File | undefined;
  readonly theme: Theme;
  /** Whether the camera shows how many frames a second it reads. */
  readonly showRate: boolean;
}

/** Most threads that the package takes (docs/browser.md), as far as this browser allows any. */
export const mostThreads = crossOriginIsolated ? Math.max(1, Math.min(4, navigator.hardwareConcurrency)) : 1;

/** Whether this browser has WebGPU. */
export const hasWebGpu = 'gpu' in navigator;

const key = 'poster-page-settings';

export const settings = createStore<Settings>(read());

settings.subscribe(({ device, threads, theme, showRate }) => {
  try {
    localStorage.setItem(key, JSON.stringify({ device, threads, theme, showRate }));
  } catch {
    // Storage is full or forbidden: the settings hold for this visit.
  }
});

/** What was kept, as far as it still makes sense: an older page or another program may have written it. */
function read(): Settings {
  const kept = parsed();
  const threads = Number(kept.get('threads'));
  return {
    device: kept.get('device') === 'webgpu' && hasWebGpu ? 'webgpu' : 'cpu',
    threads: Number.isInteger(threads) && threads >= 1 && threads <= mostThreads ? threads : undefined,
    model: undefined,
    theme: themes.find((theme) => theme === kept.get('theme')) ?? 'system',
    showRate: kept.get('showRate') !== false,
  };
}

function parsed(): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
}
