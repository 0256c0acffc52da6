/** The part Camera and video of the tab Recognise. */
export function CameraPanel() {
  return (
    <section class="panel">
      <h1 class="title">Camera and video</h1>
      <p class="lead">This part of the page is being built.</p>
    </section>
  );
}
