import t from 'tap'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { ATTACKER, madeScore } from '../../core/verdict/made-score.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { followCluster } from '../../kubernetes/follow-cluster.ts'
import { Bench } from '../bench.ts'

const POLICY = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 60, ttl_seconds: 300, approval: { required: never }, actions: [{ action_type: pod_isolation }] }
`
const LABELS = { app: 'web', 'pod-template-hash': 'abc' }

/** As an API server does, it leaves out lists that are empty. */
class TidyKubernetes extends FakeKubernetes {
  override async apply (...[resource, object, options]: Parameters<FakeKubernetes['apply']>): ReturnType<FakeKubernetes['apply']> {
    return super.apply(resource, JSON.parse(JSON.stringify(object, (_, value: unknown) => Array.isArray(value) && value.length === 0 ? undefined : value)), options)
  }
}

t.test('panic gives an isolated pod its labels back before its policy goes', async (t) => {
  const api = new TidyKubernetes()
  const pod = (name: string, uid: string, ip: string, labels: object, owner: object[]): void => {
    api.seed(RESOURCES.pods, { metadata: { namespace: 'shop', name, uid, labels, ownerReferences: owner }, spec: { nodeName: 'n1', containers: [] }, status: { podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] } })
  }
  api.seed(RESOURCES.namespaces, { metadata: { name: 'shop' } })
  pod('web-7', 'u7', '10.0.0.7', LABELS, [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'rs', controller: true }])
  pod('db-0', 'u9', '10.0.0.9', { app: 'db' }, [])
  api.seed(RESOURCES.services, { metadata: { namespace: 'shop', name: 'web' }, spec: { selector: { app: 'web' } } })
  api.seed(RESOURCES.replicaSets, { metadata: { namespace: 'shop', name: 'web-abc' }, spec: { selector: { matchLabels: LABELS } } })
  const { pods, policies, reach, selectors } = await followCluster(t, api, 'guard')
  await using bench = await Bench.start(t.testdir(), { policy: POLICY, settings: { labelRestMs: 0 }, wrap: () => ({ pods, network: { reach, policies, release: { api, installation: 'guard', selectors: (of) => selectors.of(of) } } }) })
  const mitigation = () => bench.store.mitigations.list()[0]
  const labels = async (): Promise<unknown> => (await api.get(RESOURCES.pods, 'web-7', 'shop'))?.metadata.labels
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: ATTACKER }))
  await bench.until(() => mitigation()?.status.targets.some(({ target, state }) => target.startsWith('networkpolicy/') && state === 'programmed') === true)
  t.match(mitigation()?.status.targets, [{}, { target: 'pod/shop/web-7', state: 'pending' }])
  t.equal(mitigation()?.status.conditions.find(({ type }) => type === 'Programmed')?.status, 'False', 'a pod in its Services is not isolated as planned')
  // A beat that writes needs the event loop alive.
  await Promise.all([bench.beat(), bench.until(() => mitigation()?.status.conditions.some(({ type, status }) => type === 'Programmed' && status === 'True') === true)])
  t.strictSame(await labels(), { 'autoshield.dev/pod': 'u7' })

  const before = api.calls.length
  await bench.controller.killSwitch.pull('ada', 'wrong', true)
  await Promise.all([bench.beat(), bench.until(() => policies.list().length === 0)])
  const writes = api.calls.slice(before).flatMap(({ verb, resource }) => ['replace', 'apply', 'remove'].includes(verb) ? [`${verb} ${resource}`] : [])
  t.strictSame(writes.slice(0, 2), ['replace pods', 'remove networkpolicies'])
  await bench.until(() => Object.keys(pods.byUid('u7')?.labels ?? {}).length === 2)
  t.strictSame(await labels(), LABELS)
  t.equal(mitigation()?.status.phase, 'reverted')
})
