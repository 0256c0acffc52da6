import { useEffect, useRef, useState } from 'preact/hooks';
import { nextFrame } from '../files/turns.js';
import { RecognisePanel } from '../recognise/recognise-panel.js';
import { route, type Tab } from '../state/route.js';
import { useStore } from '../state/store.js';
import { Notices } from '../ui/index.js';
import { EngineProblem } from './engine-problem.js';
import { Header } from './header.js';
import { Lazy } from './lazy.js';
import { SettingsDialog } from './settings-dialog.js';

const loadAbout = () => import('../about/about-panel.js').then(({ AboutPanel }) => AboutPanel);
const loadLearn = () => import('../learn/learn-panel.js').then(({ LearnPanel }) => LearnPanel);

const titles: Readonly<Record<Tab, string>> = {
  recognise: 'Poster: facial expressions, read on your own machine',
  learn: 'Learn - Poster',
  about: 'About - Poster',
};

/** Header, the tab that the address names, footer. */
export function Page() {
  const { tab } = useStore(route);
  const [settingsOpen, setSettingsOpen] = useState(false);
  // The header comes first, what takes longer with the next frame.
  const [begun, setBegun] = useState(false);
  useEffect(() => void nextFrame().then(() => setBegun(true)), []);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = titles[tab];
    // Keyboards and screen readers go on in the new tab, not behind its link.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [tab]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        To the content
      </button>
      <Header onSettings={() => setSettingsOpen(true)} />
      <main ref={main} id="main" class="main" tabIndex={-1}>
        <EngineProblem />
        {begun && tab === 'recognise' ? <RecognisePanel /> : null}
        {begun && tab === 'learn' ? <Lazy load={loadLearn} /> : null}
        {begun && tab === 'about' ? <Lazy load={loadAbout} /> : null}
      </main>
      <SettingsDialog open={settingsOpen} onClose={() => setSettingsOpen(false)} />
      <Notices />
    </>
  );
}
