import type { Pod } from '../pod.ts'
import type { Detection } from '../verdict/detection.ts'
import type { FlowPod, FlowRecord } from './flow-record.ts'

/** A pod with one address and its labels, over the time in which it was seen so. */
interface Sight { readonly address: string, readonly pod: FlowPod, readonly firstMs: number, readonly lastMs: number }

/** Pods as recorded flows show them, by time. */
export class SeenPods {
  readonly #sights: readonly Sight[]
  /** Unix time at which each UID was seen first. */
  readonly #first = new Map<string, number>()

  constructor (records: readonly FlowRecord[]) {
    const sights = new Map<string, Sight>()
    for (const { source, destination, firstMs, lastMs } of records) {
      for (const { address, pod } of [source, destination]) {
        if (pod === null) continue
        const key = JSON.stringify([pod.uid, address, pod.labels])
        const known = sights.get(key)
        sights.set(key, { address, pod, firstMs: Math.min(known?.firstMs ?? firstMs, firstMs), lastMs: Math.max(known?.lastMs ?? lastMs, lastMs) })
      }
    }
    this.#sights = [...sights.values()]
    for (const { pod: { uid }, firstMs } of this.#sights) this.#first.set(uid, Math.min(this.#first.get(uid) ?? firstMs, firstMs))
  }

  /** Pods whose flows went on meanwhile, and those that a detection names with their UID whatever was recorded of them. */
  during (fromMs: number, untilMs: number, { source, target }: Pick<Detection, 'source' | 'target'>): Pod[] {
    const pods = podsOf(this.#sights.filter(({ firstMs, lastMs }) => firstMs <= untilMs && lastMs > fromMs))
    for (const end of [source, target]) {
      if (end?.uid === undefined || pods.has(end.uid)) continue
      const known = podsOf(this.#sights.filter(({ pod: { uid } }) => uid === end.uid)).get(end.uid)
      pods.set(end.uid, known ?? { uid: end.uid, namespace: end.namespace ?? '', name: end.name ?? end.address, addresses: [end.address], labels: {}, node: '' })
    }
    return [...pods.values()]
  }

  /** Pods that were seen first after this. */
  since (fromMs: number): Pod[] {
    return [...podsOf(this.#sights.filter(({ pod: { uid } }) => (this.#first.get(uid) ?? 0) > fromMs)).values()]
  }
}

function podsOf (sights: readonly Sight[]): Map<string, Pod> {
  const pods = new Map<string, Pod>()
  for (const { address, pod: { uid, namespace, name, labels, node, workload, hostNetwork, ports } } of sights) {
    const addresses = [...new Set([...pods.get(uid)?.addresses ?? [], address])]
    pods.set(uid, { uid, namespace, name, addresses, labels, node, workload, hostNetwork, ports })
  }
  return pods
}
