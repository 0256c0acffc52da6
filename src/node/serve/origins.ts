/**
 * Whether the page of an origin may send requests: those of the server's own host, and those that are named. Browsers ask before some
 * requests only (CORS): not before forms of files, nor before WebSockets.
 * @param host that the request was sent to
 * @param named origins, or `*` for all
 */
export function mayAsk(origin: string, host: string, named: readonly string[]): boolean {
  if (named.includes('*') || named.includes(origin)) return true;
  // Such as `null`, which files and sandboxed pages send.
  if (!URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  // Whether a proxy speaks TLS is not known here. A port that is that of the protocol may be left out.
  const asked = `${protocol}//${host}`;
  return own !== '' && URL.canParse(asked) && new URL(asked).host === own;
}
