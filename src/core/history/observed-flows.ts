import type { ObservedFlow } from '../plan/check-plan.ts'
import { parseAddress } from '../flow/address.ts'
import { sameFamily } from '../plan/reach/address-block.ts'
import type { Pod } from '../pod.ts'
import { selects } from '../kubernetes/label-selector.ts'
import { standsIn, throughServices } from './through-services.ts'
import { connectionsOf, transportOf, type FlowEnd, type FlowPod, type FlowRecord } from './flow-record.ts'

/** The pods of now. */
export interface LivingPods {
  byUid: (uid: string) => Pod | null
  /** Those with an address. */
  list: () => readonly Pod[]
}

/**
 * What was seen, between the addresses of now: a pod by its UID wherever its address is by now, and one that is gone by a living pod
 * of its workload, which does what it did. Left out is what no policy speaks of (no TCP, UDP or SCTP, no port that was named), and
 * what cannot be placed: a pod that is gone without a successor. Flows of one kind are one.
 */
export function observedFlows (records: readonly FlowRecord[], pods: LivingPods): ObservedFlow[] {
  const places = new Places(pods)
  const flows = new Map<string, { -readonly [Field in keyof ObservedFlow]: ObservedFlow[Field] }>()
  for (const record of throughServices(records)) {
    const protocol = transportOf(record.protocol)
    const [source, destination] = [places.of(record.source), places.of(record.destination)]
    if (protocol === null || record.port === 0 || source === null || destination === null || source === destination) continue
    const id = `${source} ${destination} ${protocol} ${record.port}`
    const known = flows.get(id)
    if (known === undefined) flows.set(id, { source, destination, protocol, port: record.port, connections: connectionsOf(record) })
    else known.connections += connectionsOf(record)
  }
  return [...flows.values()]
}

class Places {
  readonly #pods: LivingPods
  /** Asked only for pods that are gone: most are not. */
  #byWorkload: ReadonlyMap<string, Pod> | null = null

  constructor (pods: LivingPods) {
    this.#pods = pods
  }

  /** The address of now; null where nobody stands for the pod any more. */
  of ({ address, pod }: FlowEnd): string | null {
    if (pod === null) return address
    if (standsIn(pod)) return this.#behind(pod)?.addresses[0] ?? null
    const workload = workloadKey(pod)
    const now = this.#pods.byUid(pod.uid) ?? (workload === null ? null : this.#heirs.get(workload) ?? null)
    if (now === null) return null
    if (now.addresses.includes(address)) return address
    const words = parseAddress(address)
    return now.addresses.find((other) => {
      const theirs = parseAddress(other)
      return words !== null && theirs !== null && sameFamily(words, theirs)
    }) ?? null
  }

  get #heirs (): ReadonlyMap<string, Pod> {
    this.#byWorkload ??= new Map(this.#pods.list().flatMap((pod): [string, Pod][] => {
      const workload = workloadKey(pod)
      return workload === null ? [] : [[workload, pod]]
    }))
    return this.#byWorkload
  }

  /** A pod with the labels that a Service selects. */
  #behind ({ namespace, labels }: FlowPod): Pod | undefined {
    return this.#pods.list().find((pod) => pod.namespace === namespace && pod.addresses.length > 0 && selects({ matchLabels: labels }, pod.labels))
  }
}

const workloadKey = ({ namespace, workload }: Pick<FlowPod, 'namespace'> & { readonly workload?: string | null }): string | null =>
  workload === null || workload === undefined ? null : `${namespace} ${workload}`
