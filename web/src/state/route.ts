import { createStore } from './store.js';

export const tabs = ['recognise', 'learn', 'about'] as const;
export type Tab = (typeof tabs)[number];

/** What the address's hash says: `#/recognise/video` is the tab `recognise` and its part `video`. */
export interface Route {
  readonly tab: Tab;
  /** Undefined: the tab's first part. */
  readonly part: string | undefined;
}

function parseRoute(hash: string): Route {
  const [, first = '', part] = /^#\/([a-z]+)(?:\/([a-z-]+))?/.exec(hash) ?? [];
  return { tab: tabs.find((tab) => tab === first) ?? 'recognise', part };
}

/** The address of a tab or of its part, for `href`. */
export const routeTo = (tab: Tab, part?: string): string => `#/${tab}${part === undefined ? '' : `/${part}`}`;

export const route = createStore<Route>(parseRoute(location.hash));

addEventListener('hashchange', () => route.set(parseRoute(location.hash)));
