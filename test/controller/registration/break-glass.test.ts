import t from 'tap'
import { breakGlass, type BreakGlassStep } from '../../../src/controller/registration/break-glass.ts'
import { registrationObjects } from '../../../src/controller/registration/registration-objects.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { ANNOTATIONS } from '../../../src/core/injection/names.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

/** Two revisions in two namespaces, and a webhook of somebody else. */
function cluster (): FakeKubernetes {
  const api = new FakeKubernetes()
  for (const [revision, ownNamespace] of [['default', 'autoshield'], ['canary', 'autoshield-canary']] as const) {
    const { mutating, validating } = registrationObjects({ revision, excludedNamespaces: [], ownNamespace, backend: { kind: 'service' } }, 'CA')
    api.seed(RESOURCES.namespaces, { metadata: { name: ownNamespace } })
    api.seed(RESOURCES.mutatingWebhooks, mutating)
    api.seed(RESOURCES.validatingWebhooks, validating)
  }
  api.seed(RESOURCES.mutatingWebhooks, { metadata: { name: 'autoshield-lookalike', labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, webhooks: [] })
  return api
}

const left = async (api: FakeKubernetes): Promise<string[]> =>
  [...await api.list(RESOURCES.mutatingWebhooks), ...await api.list(RESOURCES.validatingWebhooks)].map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()
async function stepsOf (steps: AsyncIterable<BreakGlassStep>): Promise<BreakGlassStep[]> {
  const all: BreakGlassStep[] = []
  for await (const step of steps) all.push(step)
  return all
}
const isOff = async (api: FakeKubernetes, namespace: string): Promise<boolean> =>
  (await api.get(RESOURCES.namespaces, namespace))?.metadata.annotations?.[ANNOTATIONS.webhooks] === 'off'

t.test('every revision is removed and kept away, wherever its controller runs, and nothing else', async (t) => {
  const api = cluster()
  const steps = await stepsOf(breakGlass(api, { ownNamespace: 'autoshield' }))
  t.same(await left(api), ['MutatingWebhookConfiguration autoshield-lookalike'])
  t.ok(await isOff(api, 'autoshield') && await isOff(api, 'autoshield-canary'))
  const types = steps.map(({ type }) => type)
  t.ok(types.lastIndexOf('annotated') < types.indexOf('deleted'), 'the controllers know before they could register again')
})

t.test('one revision can be taken away alone', async (t) => {
  const api = cluster()
  await stepsOf(breakGlass(api, { ownNamespace: 'autoshield', revision: 'canary' }))
  t.same(await left(api), ['MutatingWebhookConfiguration autoshield-default', 'MutatingWebhookConfiguration autoshield-lookalike', 'ValidatingWebhookConfiguration autoshield-default'])
  t.notOk(await isOff(api, 'autoshield'))
  t.ok(await isOff(api, 'autoshield-canary'))
})

t.test('what may not be annotated is deleted all the same', async (t) => {
  const api = cluster()
  api.fault = ({ verb, resource }) => verb === 'apply' && resource === 'namespaces' ? new AutoshieldError('UNTRUSTED', 'no') : null
  const steps = await stepsOf(breakGlass(api, { ownNamespace: 'autoshield' }))
  t.same(await left(api), ['MutatingWebhookConfiguration autoshield-lookalike'])
  t.equal(steps.filter(({ type }) => type === 'failed').length, 2)
})
