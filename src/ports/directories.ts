import type { FlowService } from '../core/history/flow-record.ts'
import type { NodeFacts } from '../core/kubernetes/node-facts.ts'
import type { Namespace } from '../core/kubernetes/object.ts'
import type { Pod } from '../core/pod.ts'
import type { ProtectedSet } from '../core/safety/protected.ts'

/** Who owns an address. */
export interface PodDirectory {
  /** Null for an address that nobody has, or that stands for several. */
  byAddress: (address: string) => Pod | null
  /** Also a pod that has no address yet. */
  byUid: (uid: string) => Pod | null
  /** Those with an address. */
  list: () => readonly Pod[]
  /** Told of each pod that came, changed or went, after the directory shows it. Absent where pods neither come nor go. */
  onChange?: (listener: () => void) => Disposable
}

/** What no restriction may touch. */
export interface Protections {
  /** As far as the world is known at this moment; the same object while nothing changed. */
  now: () => ProtectedSet
}

/** Which address is a Service's. */
export interface ServiceDirectory {
  /** Null for one that is no Service's. */
  byAddress: (address: string) => FlowService | null
  /** Addresses of the Services that send to the pod. */
  inFrontOf: (pod: Pod) => readonly string[]
}

/** What is known of the cluster's nodes. */
export interface NodeDirectory {
  list: () => readonly NodeFacts[]
}

/** What is known of the cluster's namespaces. */
export interface NamespaceDirectory {
  /** Null where there is none, or none is known yet. */
  byName: (name: string) => Namespace | null
  ready: () => boolean
}

/** A pod by what names it; `uid` is empty where it is not known. */
export type PodName = Pick<Pod, 'uid' | 'namespace' | 'name'>
