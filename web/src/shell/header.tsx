import { recognizerState } from '../state/recognizer.js';
import { route, routeTo, type Tab, tabs } from '../state/route.js';
import { useStore } from '../state/store.js';
import { Icon } from '../ui/index.js';

const names: Readonly<Record<Tab, string>> = { recognise: 'Recognise', learn: 'Learn', about: 'About' };

export function Header({ onSettings }: { readonly onSettings: () => void }) {
  const { tab } = useStore(route);
  return (
    <header class="header">
      <a class="brand" href={routeTo('recognise')} aria-label="Poster, start">
        <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M7 12V9.500A2.500 2.500 0 0 1 9.500 7H12M20 7h2.500A2.500 2.500 0 0 1 25 9.500V12M25 20v2.500a2.500 2.500 0 0 1-2.500 2.500H20M12 25H9.500A2.500 2.500 0 0 1 7 22.500V20" />
          <path d="M12 17.500c1.800 3.400 6.200 3.400 8 0M12.500 13h.01M19.500 13h.01" />
        </svg>
        <span class="brand-name">Poster</span>
      </a>
      <nav class="tabs" aria-label="Parts of the page">
        {tabs.map((one) => (
          <a key={one} class="tab" href={routeTo(one)} aria-current={one === tab ? 'page' : undefined}>
            {names[one]}
          </a>
        ))}
      </nav>
      <button type="button" class="engine" onClick={onSettings}>
        <EngineText />
        <Icon name="settings" />
        <span class="visually-hidden">Settings</span>
      </button>
    </header>
  );
}

/** How far the network is, in a word or two. */
function EngineText() {
  const state = useStore(recognizerState);
  const { phase } = state;
  const text = {
    idle: () => 'Starting',
    loading: () => 'Loading',
    failed: () => 'Not loaded',
    ready: () => (state.phase === 'ready' ? engineText(state.engine) : ''),
  }[phase]();
  return (
    <>
      <span class={`engine-dot engine-${phase}`} aria-hidden="true" />
      <span class="engine-text">{text}</span>
    </>
  );
}

function engineText({ device, threads }: { readonly device: string; readonly threads: number }): string {
  if (device === 'webgpu') return 'WebGPU';
  return `WASM, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
