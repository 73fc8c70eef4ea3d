import { stableLabels, selectorOf } from './stable-labels.ts'
import { standsIn } from './through-services.ts'
import type { FlowPod, FlowRecord } from './flow-record.ts'

/** Pods of one workload, as they were seen. */
export interface SeenWorkload {
  /** `KIND/NAME`; for pods of no workload that is known, what their labels say. */
  readonly name: string
  readonly namespace: string
  /** Each UID as it was last. */
  readonly pods: readonly FlowPod[]
  /** Pods whose own observer, or a recording, told of any of these flows. */
  readonly observed: ReadonlySet<string>
  /** Null where no label selects them. */
  readonly selector: ReturnType<typeof selectorOf>
}

/** Workloads by the UIDs of their pods. Pods on their node's network are of none: no policy speaks of them. */
export function seenWorkloads (records: readonly FlowRecord[]): ReadonlyMap<string, SeenWorkload> {
  const pods = new Map<string, FlowPod>()
  const observed = new Set<string>()
  for (const { source, destination, witness } of records.toSorted((one, other) => one.lastMs - other.lastMs)) {
    for (const { pod } of [source, destination]) if (pod !== null && !pod.hostNetwork) pods.set(pod.uid, pod)
    if (source.pod !== null && witness !== 'destination') observed.add(source.pod.uid)
    if (destination.pod !== null && witness !== 'source') observed.add(destination.pod.uid)
  }
  const found = new Map<string, SeenWorkload>()
  const groups = Map.groupBy(pods.values(), (pod) => `${pod.namespace} ${nameOf(pod)}`)
  for (const group of groups.values()) {
    const [{ namespace } = { namespace: '' }] = group
    const others = [...pods.values()].filter((pod) => pod.namespace === namespace && !group.includes(pod) && !standsIn(pod))
    const seen = { name: nameOf(group[0]), namespace, pods: group, observed: new Set(group.map(({ uid }) => uid).filter((uid) => observed.has(uid))), selector: selectorOf(group, others) }
    for (const { uid } of group) found.set(uid, seen)
  }
  return found
}

function nameOf (pod: FlowPod | undefined): string {
  if (pod === undefined) return ''
  if (pod.workload !== null) return pod.workload
  if (standsIn(pod)) return pod.name
  const labels = Object.entries(stableLabels([pod])).map(([key, value]) => `${key}=${value}`)
  return labels.length === 0 ? pod.name : labels.join(',')
}
