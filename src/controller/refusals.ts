import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { ProxyStatus } from '../ports/proxies.ts'
import type { NewAuditEntry } from './journal.ts'

/** What proxies newly refused of a mitigation, each in its own words, and that those were put back on what they had. */
export function refusalsOf (before: Mitigation, after: Mitigation, statuses: readonly ProxyStatus[]): readonly NewAuditEntry[] {
  const { name } = after.metadata
  return after.status.targets.flatMap(({ target, state, message }): NewAuditEntry[] => {
    const status = statuses.find(({ podUid }) => target === `proxy/${podUid}`)
    if (state !== 'rejected' || status === undefined) return []
    if (before.status.targets.some((old) => old.target === target && old.state === state && old.message === message)) return []
    const { version, mitigations, refused } = status
    const refusal: NewAuditEntry = { actor: target, action: 'mitigation.refused', object: `mitigation/${name}`, reason: 'Rejected', detail: { message, version } }
    if (!refused.some(({ mitigation }) => mitigation === name)) return [refusal]
    return [refusal, { actor: 'autoshield', action: 'proxy.rolled-back', object: target, reason: 'Rejected', detail: { without: name, message, version, carries: mitigations } }]
  })
}

/** Proxies that refuse all that they are sent, so that no restriction is to blame: each refusal once, and its end. */
export class ProxyRefusals {
  readonly #audit: Pick<AuditTrail, 'search'>
  /** Words by UID of the pod. */
  readonly #rejecting = new Map<string, string>()

  constructor (audit: Pick<AuditTrail, 'search'>) {
    this.#audit = audit
  }

  /** What there is to say since the last call. What the trail of an earlier run said last is not said again. */
  observe (statuses: readonly ProxyStatus[]): readonly NewAuditEntry[] {
    return statuses.flatMap(({ podUid, state, message, version }): NewAuditEntry[] => {
      const object = `proxy/${podUid}`
      const told = this.#rejecting.get(podUid)
      if (state === 'in-sync' && told !== undefined) {
        this.#rejecting.delete(podUid)
        return [{ actor: object, action: 'proxy.mended', object, reason: 'Acknowledged', detail: { version } }]
      }
      if (state !== 'rejected' || told === message) return []
      this.#rejecting.set(podUid, message)
      if (told === undefined && this.#saidLast(object) === message) return []
      return [{ actor: object, action: 'proxy.rejected', object, reason: 'Rejected', detail: { message, version } }]
    })
  }

  #saidLast (object: string): unknown {
    const [last] = this.#audit.search({ object, limit: 1 })
    return last?.action === 'proxy.rejected' ? last.detail['message'] : undefined
  }
}
