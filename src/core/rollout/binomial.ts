/**
 * P(X >= k) of a binomial distribution: how likely at least `k` of `n` independent tries fail, each with probability `p`.
 * The regularized incomplete beta function I_p(k, n - k + 1), so exact to about 1e-12 for any n.
 */
export function atLeast (k: number, n: number, p: number): number {
  if (k <= 0) return 1
  if (k > n || p <= 0) return 0
  return p >= 1 ? 1 : incompleteBeta(p, k, n - k + 1)
}

/**
 * The largest probability at which `k` or fewer of `n` tries would still fail in a share `alpha` of all cases: the one-sided
 * upper bound of Clopper and Pearson (1934). 1 where nothing was tried.
 */
export function upperBound (k: number, n: number, alpha: number): number {
  if (k >= n) return 1
  let [low, high] = [k / n, 1]
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (1 - atLeast(k + 1, n, middle) > alpha) low = middle
    else high = middle
  }
  return high
}

/** Continued fraction of DLMF 8.17.22, by Lentz's method. It converges fast below the mean; beyond it the symmetry helps. */
function incompleteBeta (x: number, a: number, b: number): number {
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a
  const tiny = 1e-300
  const kept = (value: number): number => Math.abs(value) < tiny ? tiny : value
  let d = 1 / kept(1 - (a + b) * x / (a + 1))
  let [c, fraction] = [1, d]
  for (let m = 1; m < 100_000; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / kept(1 + even * d)
    c = kept(1 + even / c)
    fraction *= d * c
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / kept(1 + odd * d)
    c = kept(1 + odd / c)
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-14) break
  }
  return front * fraction
}

/** Stirling's series (DLMF 5.11.1), after moving the argument to where six terms are enough. */
function lnGamma (x: number): number {
  let shift = 0
  for (; x < 15; x++) shift += Math.log(x)
  const z = 1 / (x * x)
  const series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (1 / 1188))))) / x
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift
}
