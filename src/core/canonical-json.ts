/**
 * JSON with sorted keys and no spaces, so that equal values have one text (RFC 8785's order for the keys that we use;
 * numbers as ECMAScript writes them, which is what the RFC asks). What JSON cannot say is left out, as JSON.stringify does.
 */
export function canonicalJson (value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner)
}
