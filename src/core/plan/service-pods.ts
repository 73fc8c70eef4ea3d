import { selects } from '../kubernetes/label-selector.ts'
import type { Pod } from '../pod.ts'

/** A Service as far as it says who is behind it. */
export interface KnownService {
  readonly namespace: string
  readonly name: string
  /** Labels of the pods behind it; empty where it selects none. */
  readonly selector: Readonly<Record<string, string>>
  /** What is behind it where it selects no pods. */
  readonly addresses: readonly string[]
}

/** Which Service has an address; null for one that is no Service's. */
export type ServiceAt = (address: string) => KnownService | null

/** The pods that a Service sends to, ready or not: what is not ready now may be in a moment. */
export function podsBehind ({ namespace, selector, addresses }: KnownService, pods: readonly Pod[]): readonly Pod[] {
  if (Object.keys(selector).length === 0) return pods.filter((pod) => pod.addresses.some((address) => addresses.includes(address)))
  return pods.filter((pod) => pod.namespace === namespace && selects({ matchLabels: selector }, pod.labels))
}
