/** The tab Learn. */
export function LearnPanel() {
  return (
    <section class="panel">
      <h1 class="title">Teach it expressions of your own</h1>
      <p class="lead">This part of the page is being built.</p>
    </section>
  );
}
