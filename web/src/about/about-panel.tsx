/** The tab About. */
export function AboutPanel() {
  return (
    <section class="panel">
      <h1 class="title">About</h1>
    </section>
  );
}
