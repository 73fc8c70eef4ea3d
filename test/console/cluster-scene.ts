import { createErrand, type Errand, type Task } from '../../src/core/errand/errand.ts'
import { exceptionStatus, standingOf } from '../../src/core/exception/exception-status.ts'
import type { Drift } from '../../src/core/drift/drift.ts'
import type { Exception } from '../../src/core/exception/exception.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { PlanEffect } from '../../src/core/plan/effect.ts'
import { ProtectedSet, type Protected } from '../../src/core/safety/protected.ts'
import type { FakeLoop } from './fake-loop.ts'
import { attack, decided, guessing, limited } from './scenes.ts'

const iso = (ms: number): string => new Date(ms).toISOString()
const HOUR_MS = 3_600_000

/** One namespace is like training, one is not. */
const DRIFTS: readonly Drift[] = [
  {
    namespace: 'batch',
    windows: 8_120,
    standing: 'unfamiliar',
    unknown: 0.41,
    limit: 0.27,
    features: [
      { feature: 'bytes_sent', unknown: 0.82, seen: [0, 0, 0, 0, 0, 0, 0, 0, 0.02, 0.04, 0.1, 0.24, 0.4, 0.2], known: [0.1, 0.02, 0.1, 0.3, 0.25, 0.13, 0.05, 0.03, 0.02] },
      { feature: 'duration_s', unknown: 0.21, seen: [0.1, 0.2, 0.3, 0.4], known: [0.3, 0.4, 0.2, 0.1] },
    ]
  },
  { namespace: 'shop', windows: 90_331, standing: 'familiar', unknown: 0.12, limit: 0.27, features: [{ feature: 'flow_count', unknown: 0.2, seen: [0, 0.7, 0.3], known: [0, 0.5, 0.3, 0.2] }] },
]

const flow = (source: string, destination: string, port: number, connections: number) => ({ source, destination, protocol: 'TCP' as const, port, connections })

/** The runner is cut off from the database at its egress; a policy of others made the other way useless. */
export const EFFECT: PlanEffect = {
  mitigation: 'mit-deny-1',
  unjudged: ['CiliumClusterwideNetworkPolicy baseline'],
  options: [
    {
      policies: ['egress'],
      state: 'taken',
      reason: 'RuleMatched',
      message: 'It cuts what it claims, and opens nothing.',
      objects: ['apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: autoshield-deny-1\n  namespace: ops\n'],
      cuts: { total: 1, listed: [{ source: 'ops/ci-runner-0 (10.0.4.7)', destination: 'shop/db-0 (10.0.2.9)', ports: 'TCP 5432' }] },
      flows: [{ ...flow('10.0.4.7', '10.0.2.9', 5432, 1284), claimed: true }],
      cost: 0,
      untouched: { flows: 3, connections: 412, listed: [flow('10.0.1.7', '10.0.2.9', 5432, 380), flow('10.0.4.7', '10.0.5.9', 53, 20), flow('10.0.4.7', '203.0.113.9', 443, 12)] },
    },
    {
      policies: ['ingress'],
      state: 'refused',
      reason: 'AddsUp',
      message: 'NetworkPolicies add up: ops/ci-runner-0 (10.0.4.7) still reaches shop/db-0 (10.0.2.9) on TCP 5432, for shop/allow-all allows it.',
      objects: [],
      cuts: { total: 0, listed: [] },
      flows: [{ ...flow('10.0.1.7', '10.0.2.9', 5432, 380), claimed: false }],
      cost: 380,
      untouched: { flows: 1, connections: 20, listed: [flow('10.0.4.7', '10.0.5.9', 53, 20)] },
    },
  ],
}

const condition = (type: 'Accepted' | 'Programmed' | 'Enforcing' | 'Degraded', status: 'True' | 'False' | 'Unknown', reason: 'Stored' | 'Acknowledged' | 'AttemptsContinue' | 'NoAttemptSeen', message: string, at: number) =>
  ({ type, status, reason, message, lastTransitionTime: iso(at), observedGeneration: 1 })

/** A denial that some of the attack gets past. */
export function pierced (now: number): Mitigation {
  const through = '3 of 41 attempts got through: 10.0.4.7 to 10.0.2.9 on TCP 5432.'
  const made = limited(now, {
    conditions: [
      condition('Accepted', 'True', 'Stored', 'The mitigation is valid and stored.', now - 38_000), condition('Programmed', 'True', 'Acknowledged', '1 of 1 targets has taken it.', now - 37_000),
      condition('Enforcing', 'False', 'AttemptsContinue', through, now - 9_000), condition('Degraded', 'True', 'AttemptsContinue', through, now - 9_000),
    ],
    targets: [{ target: 'networkpolicy/ops/autoshield-deny-1', state: 'programmed', version: '1', message: '' }],
    undo: 'The NetworkPolicy ops/autoshield-deny-1 is deleted.',
  }, { action: 'deny', direction: 'egress', policies: ['egress'], reason: 'Deny ci-runner-0 on db-0:5432 for 10 minutes.' })
  const { limit: _, ...spec } = made.spec
  return { ...made, metadata: { ...made.metadata, name: 'mit-deny-1' }, spec }
}

/** One pod cut off from everything and taken out of what selects it; and one node closed. */
export function isolated (now: number): Mitigation {
  const made = limited(now, {
    targets: [{ target: 'networkpolicy/ops/autoshield-iso-1', state: 'programmed', version: '1', message: '' }, { target: 'pod/ops/ci-runner-0', state: 'programmed', version: '', message: '' }],
    undo: 'The labels of ci-runner-0 are put back, and the NetworkPolicy is deleted.',
  }, {
    action: 'deny',
    policies: ['isolation'],
    relabel: 'owner-and-services',
    ports: 'any',
    workloads: ['*'],
    reason: 'Isolate ci-runner-0.',
    victims: Array.from({ length: 400 }, (_each, at) => ({ uid: `v${at}`, addresses: [`10.9.${at >> 8}.${at & 255}`], namespace: 'shop', name: `web-${at}` })),
  })
  const { limit: _, ...spec } = made.spec
  return { ...made, metadata: { ...made.metadata, name: 'mit-iso-1' }, spec }
}

export function quarantined (now: number): Mitigation {
  const made = limited(now, { targets: [{ target: 'node/worker-with-a-long-name-17.internal', state: 'programmed', version: '', message: '' }], undo: 'The taint is taken off, and the node is uncordoned.' }, {
    action: 'quarantine', subject: 'anySource', victims: [], ports: 'any', node: { name: 'worker-with-a-long-name-17.internal', effect: 'NoExecute' }, reason: 'Close the node of ci-runner-0.',
  })
  const { limit: _, ...spec } = made.spec
  return { ...made, metadata: { ...made.metadata, name: 'mit-node-1' }, spec }
}

export function exception (now: number, name: string, forMs: number, more: Partial<{ reason: string, covered: number }> = {}): Exception {
  const at = iso(now - HOUR_MS)
  const spec = { source: { namespace: 'ops', name: 'backup-0' }, classes: ['DATA_EXFILTRATION'], upToSeverity: 'high', until: iso(now + forMs), reason: more.reason ?? 'the nightly copy', by: 'console:ada' }
  const made: Exception = { metadata: { name, uid: `u-${name}`, generation: 1, creationTimestamp: at }, spec, status: null }
  return { ...made, status: exceptionStatus(made, standingOf(made, now), more.covered === undefined ? null : { count: more.covered, lastMs: now - 60_000 }, now) }
}

export function errand (now: number, id: string, task: Task, more: Partial<Errand> = {}): Errand {
  return { ...createErrand({ id, detection: 'det-guess-1', policy: 'default', ruleHash: '9f2c' }, task, 3600, now), ...more }
}

const NOTICE = {
  rule: 'Brute force',
  severity: 'high' as const,
  text: 'ci-runner-0 is guessing passwords on db-0.',
  detection: { id: 'det-guess-1', class: 'BRUTE_FORCE', confidence: 0.97, source: null, target: null, firstSeen: iso(0), lastSeen: iso(0), simulated: false, technique: 'T1110' },
}
const POD = { uid: 'uid-ops-ci-runner-0', namespace: 'ops', name: 'ci-runner-0' }
export const TASKS = {
  alert: { type: 'alert', channel: 'soc_dashboard', priority: 'high', notice: NOTICE },
  webhook: { type: 'webhook', url: 'https://soc.example/hooks/autoshield?team=platform', method: 'POST', notice: NOTICE },
  eviction: { type: 'eviction', pod: POD, gracePeriodSeconds: 30, evidence: { name: 'err-evict', sha256: 'a3f0c2'.repeat(10) } },
} as const satisfies Record<string, Task>

/** Everything that a cluster adds to the page, at once. */
export async function inCluster (loop: FakeLoop): Promise<void> {
  const now = loop.now()
  await attack(loop)
  await loop.revert('mit-guess-1', 'console:ada', 'the rule denies from now on')
  await loop.emit({ type: 'decision', decision: decided(now, { id: 'dec-deny-1', action: 'network_policy', mitigation: 'mit-deny-1' }) })
  for (const mitigation of [pierced(now), isolated(now), quarantined(now)]) await loop.emit({ type: 'mitigation', mitigation })
  loop.planEffect = EFFECT
  await loop.emit({ type: 'decision', decision: decided(now, { id: 'dec-wait-1', action: 'pod_isolation', verdict: 'hold', reason: 'ApprovalRequired', message: 'The rule asks that a person agrees.', mitigation: null, approval: { state: 'waiting', deadline: iso(now + 421_000), then: 'suppress', evidence: { completedHandshake: true, confirmedByOwnObserver: true, standsForMany: false } } }) })
  loop.standing = { sequence: 3, current: 'lab-2026-11', shadow: 'lab-2026-12', refused: [{ version: 'theirs-1', message: 'theirs-1 is signed by a key that is not among those of --model-keys.' }], by: 'ann', reason: 'a week in shadow', installed: ['lab-2026-11', 'lab-2026-12', 'theirs-1'], classes: ['LATERAL_MOVEMENT', 'PORT_SCAN', 'SYN_FLOOD', 'BRUTE_FORCE', 'DATA_EXFILTRATION', 'CUSTOM_ATTACK'] }
  loop.compared = {
    current: 'lab-2026-11',
    candidate: 'lab-2026-12',
    since: iso(now - 6 * HOUR_MS),
    until: iso(now),
    windows: 184_220,
    skipped: 552_660,
    failed: 0,
    agreed: 183_904,
    alarms: { PORT_SCAN: { current: 41, candidate: 44, both: 41 }, BRUTE_FORCE: { current: 68, candidate: 66, both: 65 } },
    difference: { mean: 0.0021, p99: 0.031, max: 0.42 },
    latency: { current: { p50Ms: 1.31, p99Ms: 3.9 }, candidate: { p50Ms: 1.74, p99Ms: 5.2 } },
  }
  loop.plans.set('dec-wait-1', { spec: isolated(now).spec, objects: [], targets: ['networkpolicy/ops/autoshield-iso-1', 'pod/ops/ci-runner-0'], blastRadius: loop.podList.filter(({ name }) => name === 'ci-runner-0'), subject: null, reason: 'RuleMatched', message: '', undo: 'The labels of ci-runner-0 are put back, and the NetworkPolicy is deleted.' })
  loop.protectedSet = new ProtectedSet([
    { kind: 'namespace', name: 'autoshield', by: 'own', how: 'AutoShield itself runs in namespace autoshield.' },
    { kind: 'namespace', name: 'kube-system', by: 'system', how: 'Namespace kube-system is the cluster\'s own.' },
    { kind: 'pod', name: 'edge/dns-0', uid: 'uid-edge-dns-0', by: 'dns', how: 'Pod edge/dns-0 is behind Service kube-system/kube-dns, whose address is a nameserver.' },
    { kind: 'address', name: '10.96.0.1', by: 'api-server', how: 'EndpointSlice default/kubernetes names it as an address of the API server.' },
    ...Array.from({ length: 40 }, (_, at): Protected => ({ kind: 'pod', name: `policy-webhooks/validating-admission-controller-with-a-long-name-${at}`, uid: `w${at}`, by: 'webhook', how: `It is behind Service policy-webhooks/validate, which the ValidatingWebhookConfiguration policy-${at} calls.` })),
  ])
  for (const each of [exception(now, 'nightly-copy', 2 * HOUR_MS, { covered: 4 }), exception(now, 'audit-week', 5 * 24 * HOUR_MS, { reason: 'The auditors of the year scan everything that they reach, from their own pods, and have said so beforehand in writing.' })]) {
    await loop.storedExceptions.add(each.metadata.name, each.spec as Parameters<typeof loop.storedExceptions.add>[1], each.metadata.creationTimestamp) // made by `exception`
    if (each.status !== null) await loop.storedExceptions.tell(each.metadata.name, each.status)
  }
  const errands: readonly Errand[] = [
    errand(now - 90_000, 'err-evict', TASKS.eviction, { attempts: 2, reason: 'Pending', message: 'What is known of the pod is kept; the disruption budget ops/runners allows no eviction now.', state: { phase: 'waiting', nextAt: iso(now + 14_000) } }),
    errand(now - 80_000, 'err-hook', TASKS.webhook, { attempts: 6, reason: 'NotInTime', message: 'It could not be done in time. The last that was heard: soc.example answered 503.', state: { phase: 'failed', at: iso(now - 20_000) } }),
    errand(now - 70_000, 'err-alert', TASKS.alert, { attempts: 1, reason: 'Stored', message: 'The receiver took it.', state: { phase: 'done', at: iso(now - 69_000) } }),
  ]
  for (const each of errands) await loop.errandStore.put(each.id, each)
  const sha256 = TASKS.eviction.evidence.sha256
  loop.kept.set('err-evict', {
    account: { sha256, changed: [], manifest: { errand: 'err-evict', detection: 'det-guess-1', pod: POD, keptAt: iso(now - 85_000), files: [{ name: 'pod.json', bytes: 7321, sha256 }, { name: 'logs-runner.txt', bytes: 1_402_000, sha256 }], missing: [{ what: 'sockets.txt', why: 'the observer of the pod did not answer' }] } },
    files: { 'pod.json': '{}\n', 'logs-runner.txt': 'log\n' },
  })
  const at = iso(now - HOUR_MS)
  const told = (status: 'True' | 'False', message: string) => (['Accepted', 'InForce'] as const).map((type) => ({ type, status, reason: status === 'True' ? 'Understood' as const : 'NotUnderstood' as const, message, lastTransitionTime: at, observedGeneration: 2 }))
  const metadata = (name: string) => ({ name, uid: `u-${name}`, generation: 2, creationTimestamp: at })
  loop.threatPolicyList = [
    { metadata: metadata('databases'), spec: { description: 'What nobody may do to databases.', rules: [{ id: 'guess', name: 'Brute force on databases', attack_class: 'BRUTE_FORCE' }] }, status: { rules: 1, generation: 2, problems: [], conditions: told('True', 'Its rules are in force.') } },
    { metadata: metadata('half-written'), spec: { rules: [{ id: 'x' }] }, status: { rules: 0, generation: 0, problems: ['spec.rules[0].attack_class: is missing: name one, such as PORT_SCAN'], conditions: told('False', 'spec.rules[0].attack_class: is missing') } },
  ]
  loop.drifts = DRIFTS
  loop.leads = {
    replica: 'autoshield-controller-0_4be1',
    since: iso(now - 3 * HOUR_MS),
    term: 4,
    missing: 'nothing',
    followers: [{ replica: 'autoshield-controller-1_77aa', state: 'in-sync', behind: 0 }, { replica: 'autoshield-controller-2_02cd', state: 'behind', behind: 1204 }],
  }
  await loop.emit({ type: 'detection', detection: guessing(now) })
}
