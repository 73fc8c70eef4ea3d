/** What a webhook waits where the caller does not say: our registration's own (registration-objects.ts). */
const USUAL_MS = 2_000
/** Kubernetes' own bounds of `timeoutSeconds`. */
const [LEAST_MS, MOST_MS] = [1_000, 30_000]
/** The rest is for the answer's way, and for the time a request waits in our socket before we know of it. */
const SHARE = 0.75

/** The API server says in the query how long it waits (`?timeout=2s`); an answer after that counts as a failure. */
const TIMEOUT = /[?&]timeout=(\d{1,6}(?:\.\d{1,9})?)(ms|s|m)(?:&|$)/
const UNITS = { ms: 1, s: 1_000, m: 60_000 } as const

/** How long a review may take us, from the URL that it was sent to. */
export function budgetMs (url: string): number {
  const [, amount, unit] = TIMEOUT.exec(url) ?? []
  const saidMs = unit === 'ms' || unit === 's' || unit === 'm' ? Number(amount) * UNITS[unit] : USUAL_MS
  return Math.min(Math.max(saidMs, LEAST_MS), MOST_MS) * SHARE
}
