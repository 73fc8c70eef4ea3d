import t from 'tap'
import { judgePod, SILENT_AFTER_MS, type CoverageFacts } from '../../../src/core/coverage/judge-pod.ts'
import type { InjectionDecision } from '../../../src/core/injection/decision.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { injectionContext } from './injection-context.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const ago = (ms: number): string => new Date(NOW - ms).toISOString()
const STATUS = JSON.stringify({ revision: 'default', template: 'new', source: 'packet', level: 'privileged', form: 'native', why: 'x', containers: ['autoshield-observer'], volumes: ['autoshield-identity'] })
const profile = { source: 'packet', level: 'privileged', form: 'native', why: '' } as const
const wanted: InjectionDecision = { kind: 'inject', reason: 'Injected', profile, decidedBy: 'namespace label autoshield.dev/injection=enabled', findings: [] }
const skipped = (reason: 'HostNetwork' | 'NamespaceNotLabelled'): InjectionDecision => ({ kind: 'skip', reason, message: 'why not', mend: 'the mend', decidedBy: 'spec.hostNetwork', findings: [] })

const facts = (changes: Partial<CoverageFacts> = {}): CoverageFacts =>
  ({ decide: () => wanted, context: injectionContext(), template: 'new', reporting: new Set(['u1']), nowMs: NOW, ...changes })

interface PodShape { observer?: 'running' | 'waiting' | 'absent', status?: string, age?: number, phase?: string, deleted?: boolean, owner?: object, labels?: Record<string, string> }
function pod ({ observer = 'running', status = STATUS, age = 600_000, phase = 'Running', deleted = false, owner, labels }: PodShape = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      uid: 'u1',
      creationTimestamp: ago(age),
      ...(observer === 'absent' ? {} : { annotations: { 'autoshield.dev/status': status } }),
      ...(deleted ? { deletionTimestamp: ago(0) } : {}),
      ...(labels === undefined ? {} : { labels }),
      ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: 'apps/v1', uid: 'o', controller: true, kind: '', name: '', ...owner }] }),
    },
    spec: { containers: [{ name: 'web' }], ...(observer === 'absent' ? {} : { initContainers: [{ name: 'autoshield-observer' }] }) },
    status: {
      phase,
      initContainerStatuses: observer === 'running'
        ? [{ name: 'autoshield-observer', state: { running: { startedAt: ago(age) } } }]
        : observer === 'waiting' ? [{ name: 'autoshield-observer', state: { waiting: { reason: 'ImagePullBackOff' } } }] : [],
    },
  }
}

const rows: readonly [string, PodShape, Partial<CoverageFacts>, string | null, RegExp][] = [
  ['an observer that reports', {}, {}, 'observed', /reports/],
  ['an observer that runs, where the detector does not say who reports', {}, { reporting: null }, 'observed', /runs/],
  ['an observer that runs and does not report', {}, { reporting: new Set() }, 'silent', /reports nothing/],
  ['an observer that began less than its grace ago', { age: SILENT_AFTER_MS - 1 }, { reporting: new Set() }, 'starting', /reports nothing/],
  ['an observer whose image cannot be had', { observer: 'waiting' }, {}, 'silent', /ImagePullBackOff/],
  ['an observer of another template', {}, { template: 'newer' }, 'stale', /older template/],
  ['a pod without an observer that should have one', { observer: 'absent' }, {}, 'missed', /autoshield\.dev\/injection=enabled/],
  ['a pod with our container and a status that is no status', { status: 'forged' }, {}, 'missed', /asks for an observer/],
  ['a pod that cannot have one', { observer: 'absent' }, { decide: () => skipped('HostNetwork') }, 'skipped', /why not/],
  ['a pod that nobody asked about', { observer: 'absent' }, { decide: () => skipped('NamespaceNotLabelled') }, null, /./],
  ['a pod that is over', { phase: 'Succeeded' }, {}, null, /./],
  ['a pod that is being deleted', { deleted: true }, {}, null, /./],
]
for (const [name, shape, changes, state, message] of rows) {
  t.test(`${name}: ${state ?? 'not counted'}`, async (t) => {
    const judged = judgePod(pod(shape), null, facts(changes))
    t.equal(judged?.state ?? null, state)
    if (judged !== null) t.match(judged.message, message)
  })
}

t.test('a pod is counted under the workload that a person knows', async (t) => {
  const workload = (shape: PodShape) => judgePod(pod(shape), null, facts())?.workload
  t.equal(workload({}), 'Pod/web-1')
  t.equal(workload({ owner: { kind: 'StatefulSet', name: 'db' } }), 'StatefulSet/db')
  t.equal(workload({ owner: { kind: 'ReplicaSet', name: 'web-7d9f' }, labels: { 'pod-template-hash': '7d9f' } }), 'Deployment/web')
  t.equal(workload({ owner: { kind: 'ReplicaSet', name: 'lonely' } }), 'ReplicaSet/lonely')
})
