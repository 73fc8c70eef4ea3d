import { FEATURES, type FeatureName } from '../window/window.ts'

export const isFeature = (name: string): name is FeatureName => (FEATURES as readonly string[]).includes(name)

/** Features that add up over windows; the others are means, and `unique_ports` (which windows may share) its largest window. */
export const SUMMED: ReadonlySet<FeatureName> = new Set(['flow_count', 'bytes_sent', 'bytes_received', 'syn_count', 'ack_count', 'rst_count', 'fin_count'])

/** A feature over the windows `active` of a tensor: their sum, mean or largest, by what it is. */
export function overSpan (feature: FeatureName, tensor: Float32Array, active: readonly number[]): number {
  const values = active.map((row) => tensor[row * FEATURES.length + FEATURES.indexOf(feature)] ?? 0)
  if (feature === 'unique_ports') return Math.max(0, ...values)
  const sum = values.reduce((total, value) => total + value, 0)
  return SUMMED.has(feature) || active.length === 0 ? sum : sum / active.length
}
