import type { PodProxy } from './injection/pod-proxy.ts'
import type { Released } from './isolation/released-labels.ts'
import type { Transport } from './kubernetes/transport.ts'

/** A port that a container of a pod gives a name. */
export interface NamedPort {
  readonly name: string
  readonly protocol: Transport
  /** 1 to 65535. */
  readonly number: number
}

/** A pod as far as the loop needs to know it. */
export interface Pod {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly addresses: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly node: string
  /** The value of our label that it came with and that no other pod bears; absent for none, or where the directory cannot tell. */
  readonly mark?: string
  /** The labels that an isolation took from it; absent where none did. */
  readonly released?: Released
  /** `KIND/NAME` of the workload that it is of; null for none, absent where the directory cannot tell. */
  readonly workload?: string | null
  /** When it was made, Unix ms; of a cluster in whole seconds. Absent where the directory cannot tell. */
  readonly createdMs?: number
  /** Those that have a name; absent where the directory cannot tell. */
  readonly ports?: readonly NamedPort[]
  /** It uses its node's network, so NetworkPolicies do not speak of it; absent for no. */
  readonly hostNetwork?: boolean
  /** Whether the kubelet says that it is ready; absent where the directory cannot tell. */
  readonly ready?: boolean
  /** Name of its PriorityClass; absent where it has none or the directory cannot tell. */
  readonly priorityClass?: string
  /** Whether an observer reports this pod now; absent where the directory cannot tell. */
  readonly observed?: boolean
  /** The Envoy that was injected; null for none, absent where the directory cannot tell. */
  readonly proxy?: PodProxy | null
}

/** `NAMESPACE/KIND/NAME` in `workloads`; null for a pod of no workload, or where that is not known. */
export function workloadKey ({ namespace, workload }: Pick<Pod, 'namespace' | 'workload'>): string | null {
  return workload == null ? null : `${namespace}/${workload}`
}
