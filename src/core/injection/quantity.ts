/** A Kubernetes quantity in thousandths: of a core, or of a byte. Rounded up, as the API server does. */
export type Thousandths = bigint

const FORM = /^([0-9]{1,18})(?:\.([0-9]{1,9}))?(m|k|M|G|Ki|Mi|Gi)?$/
const FACTORS: Readonly<Record<string, bigint>> = {
  m: 1n, '': 1_000n, k: 1_000_000n, M: 1_000_000_000n, G: 1_000_000_000_000n, Ki: 1_024_000n, Mi: 1_048_576_000n, Gi: 1_073_741_824_000n,
}

/** Null where the text is no quantity, or one of a form that observers have no use for (`1e3`, `1T`, negative). */
export function parseQuantity (text: string): Thousandths | null {
  const match = FORM.exec(text)
  if (match === null) return null
  const [, whole = '', fraction = '', suffix = ''] = match
  const scale = 10n ** BigInt(fraction.length)
  return (BigInt(whole + fraction) * (FACTORS[suffix] ?? 0n) + scale - 1n) / scale
}

/**
 * The text that the API server makes of a quantity (`0.5Gi` is stored as `512Mi`, `1000m` as `1`): what we write is
 * found again unchanged. Follows CanonicalizeBytes of k8s.io/apimachinery/pkg/api/resource.
 */
export function canonicalQuantity (text: string): string {
  const value = parseQuantity(text)
  if (value === null) return text
  const binary = text.endsWith('i') && value >= 1_024_000n
  if (binary) return shortest((value + 999n) / 1000n, 1024n, ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'])
  return shortest(value, 1000n, ['m', '', 'k', 'M', 'G', 'T', 'P'])
}

function shortest (value: bigint, base: bigint, suffixes: readonly string[]): string {
  let at = 0
  while (value !== 0n && value % base === 0n && at < suffixes.length - 1) {
    value /= base
    at++
  }
  return value === 0n ? '0' : `${value}${suffixes[at] ?? ''}`
}
