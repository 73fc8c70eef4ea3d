import t from 'tap'
import { podRef, type MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import { Reach } from '../../../src/core/plan/reach/reach.ts'
import { renderPolicies, type Carried } from '../../../src/core/plan/render-policies.ts'
import { context, detectionOf, PODS, podOf, ruleOf } from './scene.ts'

const web2 = podOf('web-2', '10.0.0.5')
const pods = [...Object.values(PODS), web2]

function carried (name: string, change: Partial<MitigationSpec>): Carried {
  const { rule, action } = ruleOf('network_policy')
  const { spec } = planAction(rule, action, detectionOf(), context())
  if (spec === null) throw new Error('no plan')
  return { name, spec: { ...spec, policies: ['egress'], ...change } }
}

/** Which ways the policies of these mitigations cut together, on ports 22 and 443. */
function cutBy (inForce: readonly Carried[]): string[] {
  const around = { byUid: (uid: string) => pods.find((pod) => pod.uid === uid) ?? null, spared: ['kube-system'], inForce }
  const rendered = inForce.map(({ name, spec }) => renderPolicies(name, spec, around))
  const uids = new Set(rendered.flatMap(({ labelled }) => labelled.map(({ uid }) => uid)))
  const marked = pods.map((pod) => uids.has(pod.uid) ? { ...pod, labels: { ...pod.labels, 'autoshield.dev/pod': pod.uid } } : pod)
  const policies = rendered.flatMap((each) => each.policies).map((policy) => readPolicy(JSON.parse(JSON.stringify(policy))))
  const found = (['most', 'cilium'] as const).map((plugin) => {
    const reach = new Reach({ pods: marked, namespaces: ['shop', 'other'].map((name) => ({ name, labels: { 'kubernetes.io/metadata.name': name } })), nodes: [], policies, plugin })
    return pods.flatMap((from) => pods.filter((to) => to !== from).flatMap((to) => [22, 443].filter((port) =>
      !reach.verdict({ source: from.addresses[0] ?? '', destination: to.addresses[0] ?? '', protocol: 'TCP', port }).allowed).map((port) => `${from.name}>${to.name}:${port}`)))
  })
  t.strictSame(found[0], found[1], 'on every kind of plugin')
  return found[0] ?? []
}

const [toDb, toFar] = [{ victims: [podRef(PODS.db)] }, { victims: [podRef(PODS.far)] }]
const from = (pod: typeof web2) => ({ subject: podRef(pod) })
const { 'web-0>db-0': toDbWays, 'web-0>far-0': toFarWays, 'web-1>db-0': siblingWays } = Object.fromEntries(['web-0>db-0', 'web-0>far-0', 'web-1>db-0'].map((way) => [way, [`${way}:22`, `${way}:443`]]))

t.test('mitigations that meet at one pod do not lift each other', (t) => {
  const table: [string, readonly Carried[], readonly (string | undefined)[]][] = [
    ['one', [carried('m-1', toDb)], toDbWays ?? []],
    ['one suspect, two victims', [carried('m-1', toDb), carried('m-2', toFar)], [...toDbWays ?? [], ...toFarWays ?? []]],
    ['one suspect, on some ports of one and all of the other', [carried('m-1', { ...toDb, ports: [22] }), carried('m-2', toFar)], ['web-0>db-0:22', ...toFarWays ?? []]],
    ['the same way, on different ports', [carried('m-1', { ...toDb, ports: [22] }), carried('m-2', { ...toDb, ports: [443] })], toDbWays ?? []],
    ['a sweep of one port beside a denial', [carried('m-1', toDb), carried('m-2', { workloads: ['*'], ports: [22] })], ['web-0>web-1:22', ...toDbWays ?? [], 'web-0>far-0:22', 'web-0>web-2:22']],
    ['two suspects at one victim', [carried('m-1', { ...toDb, policies: ['ingress'] }), carried('m-2', { ...toDb, ...from(PODS.web1), policies: ['ingress'] })], [...toDbWays ?? [], ...siblingWays ?? []]],
    ['two suspects, one of them at two victims', [carried('m-1', { victims: [podRef(PODS.db), podRef(web2)], policies: ['ingress'] }), carried('m-2', { ...toDb, ...from(PODS.web1), policies: ['ingress'] })],
      [...toDbWays ?? [], 'web-0>web-2:22', 'web-0>web-2:443', ...siblingWays ?? []]],
    ['an isolated victim stays isolated', [carried('m-1', { workloads: ['*'], policies: ['isolation'], subject: podRef(PODS.db) }), carried('m-2', { ...toDb, policies: ['ingress'] })],
      pods.filter((pod) => pod !== PODS.db).flatMap(({ name }) => [22, 443].flatMap((port) => [`${name}>db-0:${port}`, `db-0>${name}:${port}`]))],
  ]
  for (const [name, inForce, cut] of table) t.strictSame(cutBy(inForce).sort(), [...cut].sort(), name)
  t.end()
})
