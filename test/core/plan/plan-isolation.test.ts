import t from 'tap'
import { parse } from 'yaml'
import type { PodSelectors } from '../../../src/core/isolation/released-labels.ts'
import { groundOf } from '../../../src/core/plan/check-plan.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import type { Pod } from '../../../src/core/pod.ts'
import { context, detectionOf, PODS, ruleOf } from './scene.ts'

const WEB: Pod = { ...PODS.web0, workload: 'Deployment/web', labels: { app: 'web', tier: 'front', 'pod-template-hash': 'abc' } }
const SELECTORS: PodSelectors = { services: [{ matchLabels: { app: 'web' } }], replicaSets: [{ matchLabels: { app: 'web', 'pod-template-hash': 'abc' } }] }

interface World { readonly pod?: Pod, readonly selectors?: PodSelectors | null, readonly policies?: readonly object[] }

function planOf ({ pod = WEB, selectors = SELECTORS, policies = [] }: World): Plan {
  const { rule, action } = ruleOf('pod_isolation')
  const pods = [pod, PODS.web1, PODS.db, PODS.far, { ...PODS.far, uid: 'dns', name: 'dns', namespace: 'kube-system', addresses: ['10.0.1.5'] }]
  const ground = groundOf({ pods, namespaces: ['shop', 'other', 'kube-system'].map((name) => ({ name, labels: { 'kubernetes.io/metadata.name': name } })), nodes: [], policies: policies.map(readPolicy), plugin: 'most' })
  return planAction(rule, action, detectionOf(), context({ pods, cluster: { known: true, ground, seen: () => [], ...(selectors !== null && { selectors: (namespace: string) => namespace === 'shop' ? selectors : { services: [], replicaSets: [] } }) } }))
}

/** Lets whoever is no web pod have everything. */
const OTHERS_OPEN = { metadata: { namespace: 'shop', name: 'others-open' }, spec: { podSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] } }

t.test('an isolated pod is taken out of its Services and its ReplicaSet, and the plan says so', async (t) => {
  const plan = planOf({})
  t.match(plan, { reason: 'RuleMatched', spec: { policies: ['isolation'], relabel: 'owner-and-services' }, message: /Takes the labels app, pod-template-hash from it: its Services send it nothing more, and its ReplicaSet makes another pod\.$/, undo: /its ReplicaSet then has one pod too many and removes one\.$/ })
  t.equal(plan.targets.at(-1), 'pod/shop/web-0')
  const [release, policy] = plan.objects.toReversed()
  t.equal(policy?.kind, 'NetworkPolicy', 'the labels go when the policy is there')
  t.match(parse(release?.yaml ?? ''), { kind: 'Pod', metadata: { name: 'web-0', uid: WEB.uid, labels: { app: null, 'pod-template-hash': null } } })
})

t.test('who replaces a pod of another owner is told, each row of the table', async (t) => {
  const rows: [string | null, RegExp][] = [
    [null, /It has no owner, so nobody makes another/],
    ['StatefulSet/web', /Its StatefulSet .* makes no other of its name before this is undone/],
    ['DaemonSet/web', /Its DaemonSet lets go of it where it selects by the same labels, and makes another/],
  ]
  for (const [workload, words] of rows) t.match(planOf({ pod: { ...WEB, workload } }), { spec: { relabel: 'services' }, message: words, undo: /Its labels are put back\.$/ }, String(workload))
})

t.test('the check is made on the labels of afterwards, each row of the table', async (t) => {
  const rows: [string, World, Plan['reason'], readonly string[] | undefined, string | undefined, RegExp][] = [
    ['no selectors are known', { selectors: null }, 'RuleMatched', ['isolation'], undefined, /by NetworkPolicy at both ways of the suspect\.$/],
    ['nothing selects a pod without an owner', { pod: { ...WEB, workload: null }, selectors: { services: [], replicaSets: [] } }, 'RuleMatched', ['isolation'], undefined, /of the suspect\.$/],
    ['nothing is in the way', {}, 'RuleMatched', ['isolation'], 'owner-and-services', /makes another pod/],
    ['without its labels another policy lets everything through', { policies: [OTHERS_OPEN] }, 'RuleMatched', ['isolation'], undefined, /It stays in its Services/],
    ['neither way isolates it', { policies: [{ ...OTHERS_OPEN, spec: { ...OTHERS_OPEN.spec, podSelector: {} } }] }, 'AddsUp', undefined, undefined, /Nothing here can carry this denial/],
  ]
  for (const [name, world, reason, policies, relabel, message] of rows) {
    const plan = planOf(world)
    t.strictSame({ reason: plan.reason, policies: plan.spec?.policies, relabel: plan.spec?.relabel }, { reason, policies, relabel }, name)
    t.match(plan.message, message, name)
  }
})
