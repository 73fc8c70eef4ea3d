/** The normal distribution's 97.5 % point. */
const Z = 1.959963984540054

/** Where the true share lies with a probability of 95 % when `k` of `n` (at least 1) were seen: Wilson's interval (1927). */
export function wilson (k: number, n: number): { readonly low: number, readonly high: number } {
  const share = k / n
  const middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
  const half = Z / (1 + Z * Z / n) * Math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}
