import type { Peak } from './judge-run.ts'

/** How a class's peaks tell its attacks from benign keys, whatever the threshold; one point a distinct score, strictest first. */
export interface Curve {
  readonly className: string
  readonly attacks: number
  readonly benign: number
  readonly points: readonly { readonly threshold: number, readonly falseShare: number, readonly foundShare: number, readonly precision: number }[]
  /** Area under the ROC curve: the chance that an attack scores above a benign key. */
  readonly area: number
}

/** null where there is no attack of the class, or no benign key. */
export function curveOf (className: string, index: number, peaks: readonly Peak[]): Curve | null {
  const scores = peaks.filter(({ label }) => label === index || label === 0).map(({ label, peak }) => ({ attack: label === index, score: peak[index] ?? 0 }))
  const attacks = scores.filter(({ attack }) => attack).length
  const benign = scores.length - attacks
  if (attacks === 0 || benign === 0) return null
  scores.sort((one, other) => other.score - one.score)
  const points: { threshold: number, falseShare: number, foundShare: number, precision: number }[] = []
  let [found, alarmed, area] = [0, 0, 0]
  for (let at = 0; at < scores.length;) {
    const threshold = scores[at]?.score ?? 0
    const [foundBefore, alarmedBefore] = [found, alarmed]
    for (; at < scores.length && scores[at]?.score === threshold; at++) scores[at]?.attack === true ? found++ : alarmed++
    area += (alarmed - alarmedBefore) / benign * (foundBefore + found) / 2 / attacks
    points.push({ threshold, falseShare: alarmed / benign, foundShare: found / attacks, precision: found / (found + alarmed) })
  }
  return { className, attacks, benign, points, area }
}
