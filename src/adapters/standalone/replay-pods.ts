import { parseAddress } from '../../core/flow/address.ts'
import type { Pod } from '../../core/pod.ts'
import type { PodDirectory } from '../../ports/directories.ts'

/** Beyond it the address that was asked for longest ago is forgotten: a flood of forged sources fills no memory. */
const MAX_PODS = 10_000

/** Where nobody says who has which address, each address is a pod of its own in namespace `replay`. */
export class ReplayPods implements PodDirectory {
  readonly #pods = new Map<string, Pod>()

  /** The pod of any address that one host can have; null for multicast, broadcast, unspecified and what is no address. */
  byAddress (address: string): Pod | null {
    const pod = this.#pods.get(address) ?? podAt(address)
    if (pod === null) return null
    this.#pods.delete(address)
    this.#pods.set(address, pod)
    const oldest = this.#pods.keys().next()
    if (this.#pods.size > MAX_PODS && oldest.done !== true) this.#pods.delete(oldest.value)
    return pod
  }

  byUid (uid: string): Pod | null {
    return this.list().find((pod) => pod.uid === uid) ?? null
  }

  /** Those that were asked for. */
  list (): readonly Pod[] {
    return [...this.#pods.values()]
  }
}

function podAt (address: string): Pod | null {
  const words = parseAddress(address)
  if (words === null || !isOneHost(words)) return null
  // A name of Kubernetes neither begins nor ends with a dash.
  const name = `pod-${address.replaceAll(/[.:]/g, '-')}`.replace(/-$/, '-0')
  return { uid: `replay-${name}`, namespace: 'replay', name, addresses: [address], labels: {}, node: '', observed: true }
}

function isOneHost ([a = 0, b = 0, c = 0, d = 0]: Int32Array): boolean {
  const isV4 = a === 0 && b === 0 && c === 0xffff
  if (isV4) return d !== 0 && d !== -1 && (d >>> 28) !== 0xe // RFC 1122, 3.2.1.3; RFC 1112
  return (a >>> 24) !== 0xff && (a | b | c | d) !== 0 // RFC 4291, 2.7 and 2.5.2
}
