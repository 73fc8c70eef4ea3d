import { Type, type Static } from 'typebox'
import type { Mark } from './mark.ts'
import { wilson } from './wilson.ts'

/** How often detections of one class, in one namespace or all, were what they were said to be. */
export const Precision = Type.Object({
  class: Type.String(),
  namespace: Type.Union([Type.String(), Type.Null()], { description: 'null for the detections on no pod.' }),
  confirmed: Type.Integer({ minimum: 0 }),
  falseAlarms: Type.Integer({ minimum: 0 }),
  precision: Type.Number({ minimum: 0, maximum: 1, description: 'Share of the marked detections that were confirmed.' }),
  low: Type.Number({ minimum: 0, maximum: 1, description: 'Where it lies with a probability of 95 % (Wilson): from here' }),
  high: Type.Number({ minimum: 0, maximum: 1, description: 'to here.' }),
}, { $id: 'Precision', additionalProperties: false })
export type Precision = Static<typeof Precision>

/** By class and namespace, ordered by both. Replays are left out: they say nothing of the traffic here. */
export function precisionOf (marks: readonly Pick<Mark, 'class' | 'namespace' | 'verdict' | 'simulated'>[]): readonly Precision[] {
  const counts = new Map<string, { readonly class: string, readonly namespace: string | null, confirmed: number, falseAlarms: number }>()
  for (const { class: name, namespace, verdict, simulated } of marks) {
    if (simulated) continue
    const id = `${name}/${namespace ?? ''}`
    const count = counts.get(id) ?? { class: name, namespace, confirmed: 0, falseAlarms: 0 }
    counts.set(id, count)
    if (verdict === 'confirmed') count.confirmed++
    else count.falseAlarms++
  }
  return [...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([, count]) => {
    const all = count.confirmed + count.falseAlarms
    return { ...count, precision: count.confirmed / all, ...wilson(count.confirmed, all) }
  })
}
