import type { Mitigation, TargetStatus } from './mitigation.ts'

/** What a proxy answered to the newest snapshot that it was sent: `ProxyStatus` of ports.ts, which core may not import. */
export interface ProxyAnswer {
  readonly podUid: string
  readonly connected: boolean
  readonly version: string
  readonly state: 'in-sync' | 'pending' | 'rejected'
  readonly message: string
  readonly mitigations: readonly string[]
  readonly refused: readonly { readonly mitigation: string, readonly message: string }[]
}

/**
 * A proxy is a target if its snapshot carries the mitigation, or if it stands at a victim and has yet to get it. No proxy
 * can carry `anySource`. In order of UID, so that order says nothing.
 */
export function proxyTargets (mitigation: Mitigation, statuses: readonly ProxyAnswer[]): TargetStatus[] {
  const { metadata: { name }, spec: { subject, victims }, status: { simulated } } = mitigation
  return statuses
    .filter(({ podUid, mitigations, refused }) => mitigations.includes(name) || refused.some((each) => each.mitigation === name) || (subject !== 'anySource' && victims.some(({ uid }) => uid === podUid)))
    .toSorted((left, right) => left.podUid < right.podUid ? -1 : 1)
    .map((answer) => targetOf(answer, name, simulated))
}

/**
 *     carries it | connected | answer   | target
 *     no         | -         | -        | pending; rejected where the proxy refused it, and it was taken out again
 *     yes        | -         | rejected | rejected
 *     yes        | no        | other    | pending: it keeps what it had, but nobody hears it
 *     yes        | yes       | pending  | pending
 *     yes        | yes       | in-sync  | programmed, or simulated
 */
function targetOf (answer: ProxyAnswer, name: string, simulated: boolean): TargetStatus {
  const target = `proxy/${answer.podUid}`
  const refusal = answer.refused.find(({ mitigation }) => mitigation === name)
  if (refusal !== undefined) return { target, state: 'rejected', version: '', message: refusal.message }
  if (!answer.mitigations.includes(name)) return { target, state: 'pending', version: '', message: '' }
  const { version } = answer
  if (answer.state === 'rejected') return { target, state: 'rejected', version, message: answer.message }
  if (!answer.connected) return { target, state: 'pending', version, message: 'the proxy is not connected' }
  if (answer.state === 'pending') return { target, state: 'pending', version, message: '' }
  return { target, state: simulated ? 'simulated' : 'programmed', version, message: '' }
}
