import type { Transport } from '../../kubernetes/transport.ts'

/** One conversation: who opens it, to whom, by addresses of pods, nodes or outside. A Service's address must be resolved before. */
export interface Flow {
  readonly source: string
  readonly destination: string
  readonly protocol: Transport
  /** The destination's, 1 to 65535. */
  readonly port: number
}

/**
 * Why one side lets a flow pass or not.
 *
 *     NoPod       | the end is no pod, so no policy speaks of it                             | allowed
 *     Itself      | a pod cannot be kept from itself                                         | allowed
 *     OwnNode     | nor from the node that it runs on, either way; with Cilium only by it    | allowed
 *     NotIsolated | no policy selects the pod for this direction                             | allowed
 *     Listed      | policies that select it list the flow: those are named                   | allowed
 *     NotListed   | policies that select it, all of them named, do not list it               | denied
 *     Denied      | policies that select it deny it: those are named                         | denied
 */
export type SideReason = FreeReason | 'NotIsolated' | 'Listed' | 'NotListed' | 'Denied'
export type FreeReason = 'NoPod' | 'Itself' | 'OwnNode'

export interface SideVerdict {
  readonly allowed: boolean
  readonly reason: SideReason
  /** `NAMESPACE/NAME`, in order. */
  readonly policies: readonly string[]
}

export interface FlowVerdict {
  /** Both sides allow it. */
  readonly allowed: boolean
  readonly egress: SideVerdict
  readonly ingress: SideVerdict
}
