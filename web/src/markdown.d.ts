/** Markdown as HTML, made when the page is built. */
declare module '*.md' {
  const html: string;
  export default html;
}
