/** Pictures: opened, read, shown. */
export function PicturePanel() {
  return <section class="panel" />;
}
