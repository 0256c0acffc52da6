import card from '../../../MODEL_CARD.md';

/** The tab About: the page, and the model card as it is when the page is built. */
export function AboutPanel() {
  return (
    <section class="panel about">
      <div class="about-page card">
        <h2 class="subtitle">About this page</h2>
        <p>
          It runs POSTER V2, a network that reads facial expressions, in your browser. Pictures, videos and the camera
          are read on this machine, and nothing is sent anywhere: a content security policy forbids it.
        </p>
        <p>
          The same network runs by command line and in programs of your own, by the package <code>poster-v2</code>. The
          page and its code are under the MIT licence.
        </p>
      </div>
      {/* Made of our own file when the page is built. */}
      <article class="prose" dangerouslySetInnerHTML={{ __html: card }} />
    </section>
  );
}
