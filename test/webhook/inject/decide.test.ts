import t from 'tap'
import type { InjectionDecision } from '../../../src/core/injection/decision.ts'
import type { InjectionContext } from '../../../src/core/injection/settings.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { applyInjection } from '../../../webhook/inject/apply.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import { contextWith } from './cases.ts'

type Fields = Record<string, unknown>
interface Situation { readonly labels?: Record<string, string>, readonly annotations?: Record<string, string>, readonly spec?: Fields, readonly ns?: string, readonly rev?: string, readonly context?: InjectionContext }

const podOf = ({ labels = {}, annotations = {}, spec = {} }: Situation): KubernetesObject =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels, annotations }, spec: { containers: [{ name: 'app', image: 'nginx' }], ...spec } })

function decide (situation: Situation): InjectionDecision {
  const { ns, rev, context = contextWith() } = situation
  const labels = { ...(ns === undefined ? {} : { 'autoshield.dev/injection': ns }), ...(rev === undefined ? {} : { 'autoshield.dev/rev': rev }) }
  return decideInjection({ pod: podOf(situation), namespace: { name: 'shop', labels, annotations: {} } }, context)
}

function injected (): KubernetesObject {
  const decision = decide({ ns: 'enabled' })
  if (decision.kind === 'skip') throw new Error(decision.reason)
  return applyInjection(podOf({}), decision, contextWith())
}
const { metadata: { annotations: INJECTED = {} }, spec: INJECTED_SPEC } = injected()
const optOut = { 'autoshield.dev/inject': 'false' }
const optIn = { 'autoshield.dev/inject': 'true' }
const unclear = { 'autoshield.dev/inject': 'perhaps' }
const taken = { containers: [{ name: 'autoshield-observer', image: 'nginx' }] }

/** A test for each row of the table above decideInjection, and for who wins where two rows fit. */
const ROWS: readonly (readonly [row: number, what: string, situation: Situation, reason: string, findings?: readonly string[]])[] = [
  [1, 'is no pod', { ns: 'required', spec: { volumes: 'none' } }, 'MalformedPod'],
  [3, 'is in an excluded namespace', { ns: 'required', labels: optIn, context: contextWith({ excludedNamespaces: ['shop'] }) }, 'NamespaceExcluded'],
  [3, 'is in an excluded namespace, and a mirror', { ns: 'required', annotations: { 'kubernetes.io/config.mirror': '' }, context: contextWith({ excludedNamespaces: ['shop'] }) }, 'NamespaceExcluded'],
  [4, 'is a mirror of a static pod', { ns: 'required', labels: optIn, annotations: { 'kubernetes.io/config.mirror': '' }, spec: { hostNetwork: true } }, 'StaticPod'],
  [5, 'is on its node\'s network', { ns: 'required', labels: optIn, spec: { hostNetwork: true, os: { name: 'windows' } } }, 'HostNetwork'],
  [6, 'runs on Windows', { ns: 'required', labels: optIn, rev: 'v2', spec: { os: { name: 'windows' } } }, 'OtherSystem'],
  [7, 'is another revision\'s by its namespace', { ns: 'enabled', labels: optOut, rev: 'v2' }, 'OtherRevision'],
  [7, 'is another revision\'s by its own label', { ns: 'enabled', rev: 'default', labels: { 'autoshield.dev/rev': 'v2' } }, 'OtherRevision'],
  [7, 'names its own way out where an observer is required', { ns: 'required', labels: { 'autoshield.dev/rev': 'v2' } }, 'Injected', ['OptsOut']],
  [8, 'opts out of an enabled namespace', { ns: 'enabled', labels: optOut }, 'PodOptedOut'],
  [8, 'opts out where nobody asks', { labels: optOut }, 'PodOptedOut'],
  [9, 'has a label that means nothing in an unlabelled namespace', { labels: unclear }, 'BadAnnotation', ['BadAnnotation']],
  [9, 'has a label that means nothing in a disabled namespace', { ns: 'disabled', labels: unclear }, 'BadAnnotation', ['BadAnnotation']],
  [10, 'is in a disabled namespace', { ns: 'disabled' }, 'NamespaceOptedOut'],
  [11, 'is in a namespace whose label means nothing', { ns: 'on' }, 'BadAnnotation', ['BadAnnotation']],
  [12, 'is in an unlabelled namespace', {}, 'NamespaceNotLabelled'],
  [13, 'has a stranger under our name', { ns: 'required', spec: taken }, 'NameTaken', ['NameTaken']],
  [13, 'has a stranger under our name while no authority is known', { ns: 'required', spec: taken, context: contextWith({}, { authorities: '' }) }, 'NameTaken', ['NameTaken']],
  [14, 'runs to an end in a cluster without native sidecars', { ns: 'required', spec: { restartPolicy: 'Never' }, context: contextWith({}, { cluster: { major: 1, minor: 28 } }) }, 'WouldNotEnd'],
  [15, 'comes before any authority', { ns: 'required', labels: optOut, context: contextWith({}, { authorities: '\n' }) }, 'NotReady', ['OptsOut']],
  [16, 'has its observer', { ns: 'enabled', annotations: INJECTED, spec: INJECTED_SPEC as Fields }, 'AlreadyInjected'],
  [17, 'has annotations of nearly all bytes that it may have', { ns: 'required', labels: optOut, annotations: { note: 'é'.repeat(131_000) } }, 'TooLarge', ['OptsOut']],
  [19, 'has annotations of as many bytes as leave room for ours', { ns: 'enabled', annotations: { note: 'é'.repeat(130_000) } }, 'Injected'],
  [18, 'has its observer, changed', { ns: 'enabled', annotations: { ...INJECTED, 'autoshield.dev/authorities': 'x' }, spec: INJECTED_SPEC as Fields }, 'Repaired', ['ObserverChanged']],
  [19, 'is in an enabled namespace', { ns: 'enabled' }, 'Injected'],
  [19, 'is in a namespace that requires', { ns: 'required' }, 'Injected'],
  [19, 'asks for itself where nobody else does', { labels: optIn }, 'Injected'],
  [19, 'asks for itself in a disabled namespace', { ns: 'disabled', labels: optIn }, 'Injected'],
  [19, 'opts out where an observer is required', { ns: 'required', labels: optOut }, 'Injected', ['OptsOut']],
  [19, 'has a label that means nothing in an enabled namespace', { ns: 'enabled', labels: unclear }, 'Injected', ['BadAnnotation']],
  [19, 'brings a status of its own', { ns: 'enabled', annotations: { 'autoshield.dev/status': '{}' } }, 'Injected', ['ForgedStatus']],
  [19, 'wants too much by annotation where an observer is required', { ns: 'required', annotations: { 'autoshield.dev/memory-limit': '1Ti' } }, 'Injected', ['BadAnnotation']],
]

for (const [row, what, situation, reason, findings = []] of ROWS) {
  t.test(`row ${row}: a pod that ${what}: ${reason}`, async (t) => {
    const decision = decide(situation)
    t.equal(decision.reason, reason)
    t.strictSame(decision.findings.map(({ code }) => code), findings)
  })
}

t.test('row 2: a pod of a namespace that is not known: NamespaceUnknown', async (t) => {
  t.match(decideInjection({ pod: podOf({}), namespace: null }, contextWith()), { kind: 'skip', reason: 'NamespaceUnknown' })
})

t.test('a skip names what decided and how to mend it, and what an author wrote cannot drive a terminal', async (t) => {
  const decision = decide({ ns: 'enabled', labels: { 'autoshield.dev/inject': '\u001b[31mno' } })
  t.equal(decision.findings.some(({ message }) => message.includes('\u001b')), false)
  t.match(decide({}), { decidedBy: 'no label autoshield.dev/injection', mend: 'Run "kubectl label --overwrite namespace shop autoshield.dev/injection=enabled".' })
  t.match(decide({ ns: 'enabled', labels: optOut }), { decidedBy: 'pod label autoshield.dev/inject=false' })
})

t.test('an injected pod is at the bound of annotations at most, to the byte', async (t) => {
  const bytes = (pod: KubernetesObject): number => Object.entries(pod.metadata.annotations ?? {}).reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0)
  const room = 262_144 - bytes(injected()) - 'note'.length
  t.equal(decide({ ns: 'enabled', annotations: { note: 'x'.repeat(room) } }).reason, 'Injected')
  t.match(decide({ ns: 'enabled', annotations: { note: 'x'.repeat(room + 1) } }), { reason: 'TooLarge', message: /more than the 262144 that the API server takes/ })
})

t.test('a pod as large as the API server takes costs no stack and no quadratic time', async (t) => {
  const containers = Array.from({ length: 40_000 }, (_, at) => ({ name: `c${at}`, image: 'nginx' }))
  t.equal(decide({ ns: 'enabled', spec: { initContainers: containers, containers } }).reason, 'Injected')
})
