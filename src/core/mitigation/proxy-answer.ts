import type { Mitigation, TargetStatus } from './mitigation.ts'
import type { OpenConnections } from './open-connections.ts'

/** What a proxy answered to the newest snapshot that it was sent: `ProxyStatus` of ports/proxies.ts, which core may not import. */
export interface ProxyAnswer {
  readonly podUid: string
  readonly connected: boolean
  readonly version: string
  readonly state: 'in-sync' | 'pending' | 'rejected'
  readonly message: string
  readonly mitigations: readonly string[]
  readonly refused: readonly { readonly mitigation: string, readonly message: string }[]
  readonly taken: readonly string[]
  readonly shortfalls: readonly { readonly mitigation: string, readonly message: string }[]
  readonly openConnections: Readonly<Record<string, readonly OpenConnections[]>>
}

/** A proxy that should answer does so within milliseconds; one that has not for this long is named. */
export const ANSWER_DEADLINE_MS = 10_000

/** One proxy that a mitigation concerns. */
export interface ProxyTarget {
  readonly status: TargetStatus
  /** Of a pending one that has had time enough: why nothing comes. */
  readonly overdue: 'ProxySilent' | 'ProxyAway' | null
  /** What of the mitigation this proxy cannot carry; empty where it can all. */
  readonly shortfall: string
}

/**
 * A proxy is a target if its snapshot carries the mitigation, or if it stands at a victim and has yet to get it. None can carry `anySource` but as a
 * limit on new connections. In order of UID, so that order says nothing. A proxy that is gone with its pod is none any more.
 */
export function proxyTargets (mitigation: Mitigation, statuses: readonly ProxyAnswer[], nowMs: number): ProxyTarget[] {
  const { metadata: { name }, spec: { subject, victims, limit } } = mitigation
  const isCarried = subject !== 'anySource' || limit?.unit === 'connections/s'
  const before = new Map(mitigation.status.targets.map((status) => [status.target, status]))
  return statuses
    .filter(({ podUid, mitigations, refused }) => mitigations.includes(name) || refused.some((each) => each.mitigation === name) || (isCarried && victims.some(({ uid }) => uid === podUid)))
    .toSorted((left, right) => left.podUid < right.podUid ? -1 : 1)
    .map((answer) => targetOf(answer, mitigation, before.get(`proxy/${answer.podUid}`), nowMs))
}

function targetOf (answer: ProxyAnswer, mitigation: Mitigation, before: TargetStatus | undefined, nowMs: number): ProxyTarget {
  const { name } = mitigation.metadata
  const said = stateOf(answer, name, mitigation.status.simulated)
  const carries = answer.mitigations.includes(name)
  const sinceMs = before?.state === said.state && before.since !== undefined ? Date.parse(before.since) : nowMs
  const overdue = said.state !== 'pending' || nowMs - sinceMs < ANSWER_DEADLINE_MS ? null : answer.connected ? 'ProxySilent' : 'ProxyAway'
  // Means are told as they were when it was taken: what the subject's chain was before is not known for ever.
  const openConnections = before?.state === 'programmed' && before.openConnections !== undefined ? before.openConnections : answer.openConnections[name]
  return {
    status: {
      target: `proxy/${answer.podUid}`,
      ...said,
      version: carries ? answer.version : '',
      since: new Date(sinceMs).toISOString(),
      ...(said.state === 'programmed' && openConnections !== undefined && { openConnections: [...openConnections] }),
    },
    overdue,
    shortfall: answer.shortfalls.filter((each) => each.mitigation === name).map(({ message }) => message).join('; '),
  }
}

/**
 *     refused it | carries it | answer   | took it before | connected | target
 *     yes        | -          | -        | -              | -         | rejected, and it was taken out again
 *     no         | no         | -        | -              | -         | unable where it says that it cannot, else pending
 *     no         | yes        | rejected | no             | -         | rejected
 *     no         | yes        | other    | -              | no        | pending: it keeps what it had, but nobody hears it
 *     no         | yes        | pending  | no             | yes       | pending
 *     no         | yes        | in-sync  | -              | yes       | programmed, or simulated
 *     no         | yes        | other    | yes            | yes       | programmed, or simulated: what it owes or refuses is something else
 */
function stateOf (answer: ProxyAnswer, name: string, simulated: boolean): Pick<TargetStatus, 'state' | 'message'> {
  const refusal = answer.refused.find(({ mitigation }) => mitigation === name)
  if (refusal !== undefined) return { state: 'rejected', message: refusal.message }
  const shortfall = answer.shortfalls.find(({ mitigation }) => mitigation === name)
  if (!answer.mitigations.includes(name)) return shortfall === undefined ? { state: 'pending', message: '' } : { state: 'unable', message: shortfall.message }
  const taken = answer.taken.includes(name)
  if (answer.state === 'rejected' && !taken) return { state: 'rejected', message: answer.message }
  if (!answer.connected) return { state: 'pending', message: 'the proxy is not connected' }
  if (answer.state === 'pending' && !taken) return { state: 'pending', message: '' }
  return { state: simulated ? 'simulated' : 'programmed', message: '' }
}
