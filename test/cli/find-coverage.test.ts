import t from 'tap'
import { findCoverage } from '../../src/cli/find-coverage.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { templateHash } from '../../webhook/inject/template-hash.ts'
import { FakeKubernetes } from '../kubernetes/fake-api.ts'
import { contextWith } from '../webhook/inject/cases.ts'

const SETTINGS = 'image: registry.example/autoshield:1.0.0\ndetector: autoshield-detector.autoshield.svc:18001\nidentity: autoshield-controller.autoshield.svc:18443\n'

/** A cluster with two injected pods that run, and what the controller reported of them. */
function cluster (report: Readonly<Record<string, string>> | null): FakeKubernetes {
  const api = new FakeKubernetes()
  api.texts.set('/version', JSON.stringify({ major: '1', minor: '34' }))
  api.seed(RESOURCES.namespaces, { metadata: { name: 'shop', labels: { 'autoshield.dev/injection': 'enabled' } } })
  api.seed(RESOURCES.configMaps, { metadata: { name: 'autoshield-injection', namespace: 'autoshield' }, data: { 'injection.yaml': SETTINGS } })
  if (report !== null) api.seed(RESOURCES.configMaps, { metadata: { name: 'autoshield-coverage', namespace: 'autoshield' }, data: report })
  const status = JSON.stringify({ revision: 'default', template: templateHash(contextWith({}, { authorities: '' })), source: 'packet', level: 'privileged', form: 'native', why: 'x', containers: [], volumes: [] })
  for (const name of ['loud', 'mute']) {
    api.seed(RESOURCES.pods, {
      metadata: { name, namespace: 'shop', uid: name, annotations: { 'autoshield.dev/status': status } },
      spec: { containers: [{ name: 'app' }], initContainers: [{ name: 'autoshield-observer' }] },
      status: { phase: 'Running', initContainerStatuses: [{ name: 'autoshield-observer', state: { running: { startedAt: '2026-01-01T11:00:00Z' } } }] },
    })
  }
  return api
}

const now = (): string => new Date().toISOString()
const seen = async (api: FakeKubernetes): Promise<readonly string[]> =>
  (await findCoverage(api, { ownNamespace: 'autoshield' })).map(({ name, state, message }) => `${name} ${state}: ${message}`)

t.test('the pods that the controller found silent are silent, and the others report', async (t) => {
  t.strictSame(await seen(cluster({ at: now(), silent: 'mute', more: '0' })), ['loud observed: its observer reports', 'mute silent: its observer runs and reports nothing'])
})

for (const [why, report] of [
  ['where more are silent than the report can name', { at: now(), silent: 'mute', more: '7' }],
  ['by an old report', { at: '2026-01-01T12:00:00Z', silent: 'mute', more: '0' }],
  ['by a report without a time', { at: 'today', silent: '', more: '0' }],
  ['by a report that is not whole', { at: now(), silent: '' }],
  ['without a report', null],
] as const) {
  t.test(`of no pod is it said that it reports ${why}`, async (t) => {
    t.strictSame(await seen(cluster(report)), ['loud observed: its observer runs', 'mute observed: its observer runs'])
  })
}
