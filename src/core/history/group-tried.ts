import type { Transport } from '../kubernetes/transport.ts'
import { connectionsOf, type FlowEnd, type FlowRecord } from './flow-record.ts'
import type { PolicyTrial, TriedFlow } from './try-policies.ts'

/** Tried flows of one kind between two workloads, for people. */
export interface TriedGroup {
  readonly change: 'cut' | 'opened'
  /** `NAMESPACE/KIND/NAME` of the workload, `NAMESPACE/NAME` of a pod of none, or an address. */
  readonly source: string
  readonly destination: string
  readonly protocol: Transport
  readonly port: number
  readonly connections: number
  /** Attempts among them that failed anyway. */
  readonly failed: number
  /** Connections among them that may be part of an attack that was detected. */
  readonly suspicious: number
  /** End of the minute in which it was last seen, Unix time. */
  readonly lastMs: number
  /** What decides: sides with their reason, and the policies. */
  readonly because: readonly string[]
}

/** Most connections first, what is cut before what is opened. */
export function groupTried ({ cut, opened }: Pick<PolicyTrial, 'cut' | 'opened'>, isSuspicious: (record: FlowRecord) => boolean): TriedGroup[] {
  return [...grouped('cut', cut, isSuspicious), ...grouped('opened', opened, isSuspicious)]
}

function grouped (change: TriedGroup['change'], flows: readonly TriedFlow[], isSuspicious: (record: FlowRecord) => boolean): TriedGroup[] {
  const groups = new Map<string, TriedGroup>()
  for (const tried of flows) {
    const { record, protocol } = tried
    const [source, destination] = [endName(record.source), endName(record.destination)]
    const id = `${source} ${destination} ${protocol} ${record.port}`
    const known = groups.get(id)
    groups.set(id, {
      change,
      source,
      destination,
      protocol,
      port: record.port,
      connections: (known?.connections ?? 0) + connectionsOf(record),
      failed: (known?.failed ?? 0) + record.failed,
      suspicious: (known?.suspicious ?? 0) + (isSuspicious(record) ? connectionsOf(record) : 0),
      lastMs: Math.max(known?.lastMs ?? 0, record.lastMs),
      because: [...new Set([...known?.because ?? [], ...reasons(change === 'cut' ? tried.after : tried.before)])],
    })
  }
  return [...groups.values()].sort((one, other) => other.connections - one.connections)
}

export const endName = ({ address, pod }: FlowEnd): string => pod === null ? address : `${pod.namespace}/${pod.workload ?? pod.name}`

const reasons = ({ egress, ingress }: TriedFlow['after']): string[] =>
  [['egress', egress] as const, ['ingress', ingress] as const].flatMap(([side, { allowed, policies }]) => allowed ? [] : [`${side} ${policies.join(', ')}`])
