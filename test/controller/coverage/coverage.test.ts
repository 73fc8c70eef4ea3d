import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { every } from '../../../src/adapters/standalone/clock.ts'
import { Coverage, type CoverageOptions } from '../../../src/controller/coverage/coverage.ts'
import type { Log } from '../../../src/controller/log.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import type { DecideInjection } from '../../../src/core/injection/decision.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { FakeKubernetes, type RecordedCall } from '../../kubernetes/fake-api.ts'
import { injectionContext } from '../../core/coverage/injection-context.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const STATUS = JSON.stringify({ revision: 'default', template: 'newest', source: 'packet', level: 'privileged', form: 'native', why: 'x', containers: [], volumes: [] })
const decide: DecideInjection = ({ namespace }) => namespace?.labels['autoshield.dev/injection'] === 'enabled'
  ? { kind: 'inject', reason: 'Injected', profile: { source: 'packet', level: 'privileged', form: 'native', why: '' }, decidedBy: 'namespace label autoshield.dev/injection=enabled', findings: [] }
  : { kind: 'skip', reason: 'NamespaceNotLabelled', message: '', mend: '', decidedBy: '', findings: [] }

const missed = (name: string) => ({ metadata: { name, namespace: 'shop', uid: `${name}-00000000` }, spec: { containers: [{ name: 'app' }] }, status: { phase: 'Running' } })
const observed = (name: string) => ({
  metadata: { name, namespace: 'shop', uid: name, annotations: { 'autoshield.dev/status': STATUS } },
  spec: { containers: [{ name: 'app' }], initContainers: [{ name: 'autoshield-observer' }] },
  status: { phase: 'Running', initContainerStatuses: [{ name: 'autoshield-observer', state: { running: { startedAt: '2026-01-01T11:00:00Z' } } }] },
})

const inNamespace = (namespace: string, name: string) => ({ ...missed(name), metadata: { name, namespace, uid: `${namespace}-${name}` } })

function logged (): Log & { readonly warned: readonly Readonly<Record<string, unknown>>[] } {
  const warned: Readonly<Record<string, unknown>>[] = []
  return { warned, info: () => undefined, warn: (fields) => { warned.push({ ...fields }) }, error: () => undefined }
}

/** An API server some of whose namespaces take no Event; `refused` counts what was asked of them. */
function refusing (names: readonly string[], error: AutoshieldError): { api: FakeKubernetes, refused: () => number } {
  const api = new FakeKubernetes()
  const isRefused = ({ verb, resource, namespace = '' }: RecordedCall): boolean => verb === 'create' && resource === 'events' && names.includes(namespace)
  api.fault = (call) => isRefused(call) ? error : null
  return { api, refused: () => api.calls.filter(isRefused).length }
}

interface Stage { readonly api: FakeKubernetes, readonly coverage: Coverage, readonly gauges: Map<string, number>, readonly look: () => Promise<void> }

/** Its pods are followed, and it looks only when it is told to. */
function stage (t: Test, { api = new FakeKubernetes(), ...changes }: Partial<Omit<CoverageOptions, 'api'>> & { api?: FakeKubernetes } = {}): Stage {
  const gauges = new Map<string, number>()
  const coverage = new Coverage({
    api,
    namespaces: { byName: (name) => ({ name, labels: name !== 'quiet' ? { 'autoshield.dev/injection': 'enabled' } : {}, annotations: {} }), ready: () => true },
    decide,
    context: () => injectionContext(),
    templateHash: () => 'newest',
    reporters: { reporters: async () => new Set(['spiffe://autoshield.test/ns/shop/pod/good']) },
    ownNamespace: 'autoshield',
    every: async function * (_, signal) { for await (const beat of every(1 << 30, signal)) yield beat },
    clock: { now: () => NOW },
    metrics: { pods: (state, count) => gauges.set(state, count) },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...changes,
  })
  const stop = new AbortController()
  const running = coverage.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  return { api, coverage, gauges, look: async () => coverage.look() }
}

/** All that was seeded is followed. */
const turn = async (): Promise<void> => setImmediate()

t.test('a pod that was created while the webhook was away is found, and said once on the pod', async (t) => {
  const { api, coverage, gauges, look } = stage(t)
  api.seed(RESOURCES.pods, missed('late'))
  api.seed(RESOURCES.pods, observed('good'))
  api.seed(RESOURCES.pods, { ...missed('elsewhere'), metadata: { name: 'elsewhere', namespace: 'quiet', uid: 'e' } })
  await turn()
  await look()
  await look()
  t.strictSame(coverage.rows().map(({ name, state }) => `${name} ${state}`).sort(), ['good observed', 'late missed'])
  t.strictSame(Object.fromEntries(gauges), { observed: 1, starting: 0, silent: 0, stale: 0, missed: 1, skipped: 0 })
  const events = await api.list(RESOURCES.events)
  t.equal(events.length, 1)
  t.match(events[0], { metadata: { namespace: 'shop' }, reason: 'Missed', regarding: { kind: 'Pod', name: 'late' }, note: /autoshield\.dev\/injection=enabled.*autoshield restart --namespace shop/ })
})

t.test('a controller that starts anew does not tell twice', async (t) => {
  const { api, look } = stage(t)
  api.seed(RESOURCES.pods, missed('late'))
  api.seed(RESOURCES.events, { metadata: { name: 'late.late-000.autoshield-missed', namespace: 'shop' } })
  await turn()
  await look()
  t.equal((await api.list(RESOURCES.events)).length, 1)
})

t.test('an observer that runs and does not report is silent, and the report says so', async (t) => {
  const { api, look, coverage } = stage(t)
  api.seed(RESOURCES.pods, observed('mute'))
  await turn()
  await look()
  t.match(coverage.rows(), [{ name: 'mute', state: 'silent', reason: 'Silent' }])
  t.match(await api.get(RESOURCES.configMaps, 'autoshield-coverage', 'autoshield'), { data: { silent: 'mute', at: '2026-01-01T12:00:00.000Z' } })
})

t.test('the report names as many silent pods as fit into a ConfigMap, and says how many it leaves out', async (t) => {
  const { api, look } = stage(t)
  const uid = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
  for (let at = 0; at < 20_003; at++) api.seed(RESOURCES.pods, { ...observed(`p${at}`), metadata: { ...observed(`p${at}`).metadata, uid: uid(at) } })
  await turn()
  await look()
  const { data } = await api.get(RESOURCES.configMaps, 'autoshield-coverage', 'autoshield') as KubernetesObject & { data: { silent: string, more: string } }
  t.equal(data.more, '3')
  t.equal(data.silent.split(' ').length, 20_000)
  t.ok(data.silent.length < 1 << 20)
})

t.test('while the detector is away a running observer is not called silent', async (t) => {
  const { api, look, coverage } = stage(t, { reporters: { reporters: async () => { throw new AutoshieldError('UNAVAILABLE', 'away') } } })
  api.seed(RESOURCES.pods, observed('mute'))
  await turn()
  await look()
  t.match(coverage.rows(), [{ name: 'mute', state: 'observed' }])
})

t.test('so it is where the detector refuses to say, and that is logged once', async (t) => {
  const log = logged()
  const { api, look, coverage } = stage(t, { log, reporters: { reporters: async () => { throw new AutoshieldError('UNTRUSTED', 'not for you') } } })
  api.seed(RESOURCES.pods, observed('mute'))
  await turn()
  await look()
  await look()
  t.match(coverage.rows(), [{ name: 'mute', state: 'observed' }])
  t.match(await api.get(RESOURCES.configMaps, 'autoshield-coverage', 'autoshield'), { data: { silent: '' } })
  t.match(log.warned, [{ error: 'not for you' }])
})

t.test('a namespace that refuses Events keeps neither the report nor those of others back', async (t) => {
  const log = logged()
  const { api, refused } = refusing(['full'], new AutoshieldError('UNTRUSTED', 'exceeded quota'))
  const { look } = stage(t, { api, log })
  for (let at = 0; at < 120; at++) api.seed(RESOURCES.pods, inNamespace('full', `a${at}`))
  api.seed(RESOURCES.pods, inNamespace('shop', 'late'))
  await turn()
  await look()
  await look()
  t.strictSame((await api.list(RESOURCES.events)).map(({ metadata: { namespace } }) => namespace), ['shop'])
  t.ok(await api.get(RESOURCES.configMaps, 'autoshield-coverage', 'autoshield'))
  t.equal(refused(), 2, 'it is asked once at each look')
  t.equal(log.warned.filter(({ namespace }) => namespace === 'full').length, 1)
})

t.test('namespaces that refuse are asked last', async (t) => {
  const full = Array.from({ length: 60 }, (_, at) => `full${at}`)
  const { api } = refusing(full, new AutoshieldError('BAD_DATA', 'is being terminated'))
  const { look } = stage(t, { api })
  for (const namespace of [...full, 'shop']) api.seed(RESOURCES.pods, inNamespace(namespace, 'late'))
  await turn()
  await look()
  await look()
  t.equal((await api.list(RESOURCES.events)).length, 1)
})

t.test('the report is written though the API server stops answering afterwards', async (t) => {
  const { api } = refusing(['shop'], new AutoshieldError('UNAVAILABLE', 'away'))
  const { look } = stage(t, { api })
  api.seed(RESOURCES.pods, missed('late'))
  await turn()
  await t.rejects(look(), { code: 'UNAVAILABLE' })
  t.ok(await api.get(RESOURCES.configMaps, 'autoshield-coverage', 'autoshield'))
})

t.test('nothing is said before pods, namespaces and authorities are known', async (t) => {
  const { api, look, coverage } = stage(t, { context: () => null })
  api.seed(RESOURCES.pods, missed('late'))
  await turn()
  await look()
  t.strictSame(coverage.rows(), [])
  t.strictSame(await api.list(RESOURCES.events), [])
})
