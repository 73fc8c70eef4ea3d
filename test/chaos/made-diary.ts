import { toStored } from '../../src/adapters/kubernetes/stored-mitigation.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { AuditEntry } from '../../src/ports/audit.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import type { ApiWrite, Diary, Probe } from './diary.ts'

/** Unix ms at which made runs begin. */
export const START_MS = Date.UTC(2026, 0, 1)
const text = (second: number): string => new Date(START_MS + second * 1_000).toISOString()

/** `source` is denied its way to `cart` from second `at` on for ten seconds, and its proxy says so a second later. */
export function made (name: string, at: number, { source = 'mallory', phase = 'active', taken = true }: { source?: string, phase?: Mitigation['status']['phase'], taken?: boolean } = {}): Mitigation {
  const bare = mitigationOf(name, { subject: { uid: `uid-${source}`, addresses: ['10.0.0.1'] }, victims: [{ uid: 'uid-cart', addresses: ['10.0.0.2'] }], expiresAt: text(at + 10) })
  return {
    ...bare,
    metadata: { ...bare.metadata, creationTimestamp: text(at), annotations: { 'autoshield.dev/action': '0', 'autoshield.dev/source': source, 'autoshield.dev/target': 'cart' } },
    status: { ...bare.status, phase, targets: [{ target: 'proxy/uid-cart', state: taken ? 'programmed' : 'pending', version: '1', message: '' }], ...(phase !== 'active' && { endedAt: text(at + 10) }) },
  }
}

export function write (second: number, mitigation: Mitigation, pod = 'controller-0'): ApiWrite {
  const { object, status } = toStored(mitigation, 'autoshield')
  const stored = { apiVersion: mitigation.apiVersion, kind: mitigation.kind, ...object, ...status, metadata: { ...Reflect.get(object, 'metadata') as object, uid: 'u', generation: 1, resourceVersion: '1' } }
  return { receivedMs: START_MS + second * 1_000, answeredMs: START_MS + second * 1_000 + 20, pod, resource: 'mitigations', name: mitigation.metadata.name, verb: 'patch', object: stored }
}

const leaseObject = (pod: string, term: number, inSync: readonly string[]): ApiWrite['object'] => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'autoshield-controller', namespace: 'autoshield', annotations: { 'autoshield.dev/in-sync': [pod, ...inSync].map((each) => `${each}_x`).join(',') } },
  spec: { holderIdentity: `${pod}_x`, leaseTransitions: term },
})

/** `inSync`: pods that follow in step. */
export const lease = (second: number, pod: string, term: number, inSync: readonly string[] = []): ApiWrite => ({
  receivedMs: START_MS + second * 1_000, answeredMs: START_MS + second * 1_000 + 20, pod, resource: 'leases', name: 'autoshield-controller', verb: 'update', object: leaseObject(pod, term, inSync),
})

export const probe = (second: number, source: string, got: Probe['got']): Probe => ({ source, victim: 'cart', fromMs: START_MS + second * 1_000, untilMs: START_MS + second * 1_000 + 10, got })

/** Entries in their order; hashes stand for their contents. */
export const trail = (...entries: readonly Partial<AuditEntry>[]): readonly AuditEntry[] => entries.map((entry, at) => {
  const whole = { sequence: at + 1, at: text(at), actor: 'autoshield', action: '', object: '', reason: '', detail: {}, ...entry }
  return { ...whole, hash: JSON.stringify(whole) }
})

export const told = (action: string, name: string): Partial<AuditEntry> => ({ action, object: `mitigation/${name}` })
export const decided = (id: string, mitigation: string): Partial<AuditEntry> => ({ action: 'decision.mitigate', object: 'detection/d', detail: { decision: id, mitigation } })

/** A run in which all went well: one leader dies, another follows, each acts once. */
export function wellDone (): Diary {
  const entries = trail(
    { action: 'leadership.taken', object: 'controller/controller-0_x', detail: { term: 0 } },
    decided('one', 'm-1'), told('mitigation.applied', 'm-1'),
    { action: 'exception.added', object: 'exception/order-0' },
    { action: 'leadership.taken', object: 'controller/controller-1_x', detail: { term: 1 } },
    told('mitigation.expired', 'm-1'), decided('two', 'm-2'), told('mitigation.applied', 'm-2'), told('mitigation.expired', 'm-2')
  )
  return {
    seed: 'made',
    startedMs: START_MS,
    endedMs: START_MS + 60_000,
    kills: [{ target: 'leader', name: 'controller-0', aim: 'status', atMs: START_MS + 8_000 }],
    innocent: ['friend'],
    plain: 'plain',
    uids: new Map([['cart', 'uid-cart'], ['mallory', 'uid-mallory'], ['friend', 'uid-friend']]),
    probes: [...[1, 2, 3].map((at) => probe(at, 'mallory', 'served')), ...[7, 9, 13].map((at) => probe(at, 'mallory', 'refused')), probe(17, 'mallory', 'served'), ...[1, 5, 9, 13, 17].map((at) => probe(at, 'friend', 'served'))],
    downtimes: [],
    apiAway: [],
    writes: [
      lease(0, 'controller-0', 0), write(5, made('m-1', 5, { taken: false })), write(6, made('m-1', 5)), lease(12, 'controller-1', 1), write(15, made('m-1', 5, { phase: 'expired' }), 'controller-1'),
      write(20, made('m-2', 20), 'controller-1'), write(30, made('m-2', 20, { phase: 'expired' }), 'controller-1'),
    ],
    orders: [{ name: 'order-0', answeredMs: START_MS + 4_000 }],
    rests: [{ atMs: START_MS + 50_000, mitigations: [made('m-2', 20, { phase: 'expired' })], unfinished: [], policies: [], marked: [], refused: [], unanswered: [] }],
    judged: [{ atMs: START_MS + 7_000, mitigation: 'm-1', open: [], cut: [] }],
    exceptions: ['order-0'],
    trails: [{ replica: 'controller-0', leads: false, entries: entries.slice(0, 6), fault: null }, { replica: 'controller-1', leads: true, entries, fault: null }],
    budgets: { actionsPerMinute: 2, source: 2, target: 2, rule: 2 },
  }
}
