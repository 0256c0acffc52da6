import { useEffect, useRef } from 'preact/hooks';
import card from '../../../MODEL_CARD.md';
import { route, routeTo } from '../state/route.js';
import { useStore } from '../state/store.js';

/** Sections of the model card that have an address. */
const sections: Readonly<Record<string, string>> = {
  trust: 'How often it is right',
  use: 'What it is for, and what not',
  licences: 'Licences',
};

/** The tab About: the page, and the model card as it is when the page is built. */
export function AboutPanel() {
  const { part } = useStore(route);
  const article = useRef<HTMLElement>(null);
  useEffect(() => {
    const title = part === undefined ? undefined : sections[part];
    const headings = [...(article.current?.querySelectorAll('h2') ?? [])];
    headings.find(({ textContent }) => textContent === title)?.scrollIntoView();
  }, [part]);
  return (
    <section class="panel about">
      <div class="about-page card">
        <h2 class="subtitle">About this page</h2>
        <p>
          It runs POSTER V2, a network that reads facial expressions, in your browser. Pictures, videos and the camera
          are read on this machine, and nothing is sent anywhere: a content security policy forbids it.
        </p>
        <p>
          The same network runs by command line and in programs of your own, by the package <code>poster-v2</code>.
        </p>
        <ul class="about-links">
          {Object.entries(sections).map(([name, title]) => (
            <li key={name}>
              <a href={routeTo('about', name)}>{title}</a>
            </li>
          ))}
        </ul>
      </div>
      {/* Made of our own file when the page is built. */}
      <article ref={article} class="prose" dangerouslySetInnerHTML={{ __html: card }} />
    </section>
  );
}
