import { render } from 'preact';
import { nextTurn } from './files/turns.js';
import { keepTheRest, startServiceWorker } from './shell/isolation.js';
import { refuseOtherDrops } from './shell/leaving.js';
import { Page } from './shell/page.js';
import { notify } from './state/notices.js';
import { getRecognizer } from './state/recognizer.js';
import { settings } from './state/settings.js';

const showTheme = (): void => {
  document.documentElement.dataset['theme'] = settings.value.theme;
};
showTheme();
settings.subscribe(showTheme);

refuseOtherDrops();

// The program was read in one turn, and is drawn in others.
await nextTurn();
const root = document.querySelector('#page');
if (root !== null) {
  root.replaceChildren();
  render(<Page />, root);
}

const isStarted = await startServiceWorker((take) =>
  notify('A new version of this page is ready.', { action: { label: 'Use it', run: take } }),
);
// What went wrong stands in the header and with whatever needs it.
if (isStarted) {
  await getRecognizer().catch(() => undefined);
  keepTheRest();
}
