import t from 'tap'
import type { MitigationSpec, PolicyPlace } from '../../../src/core/mitigation/mitigation.ts'
import { groundOf } from '../../../src/core/plan/check-plan.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import { replan, type Replanned } from '../../../src/core/plan/replan.ts'
import { context, detectionOf, PODS, ruleOf } from './scene.ts'

const policy = (name: string, spec: object): object => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace: 'shop', name }, spec })
const WEB = { matchLabels: { app: 'web' } }
const DB = { matchLabels: { app: 'db' } }

function replanned (direction: string, policies: PolicyPlace[], others: readonly object[]): Replanned {
  const { rule, action } = ruleOf(`network_policy, parameters: { direction: ${direction} }`)
  const { spec } = planAction(rule, action, detectionOf(), context())
  if (spec === null) throw new Error('no plan')
  const wanted: MitigationSpec & { policies: PolicyPlace[] } = { ...spec, policies }
  const pods = Object.values(PODS)
  const ground = groundOf({ pods, namespaces: ['shop', 'other'].map((name) => ({ name, labels: {} })), nodes: [], policies: others.map(readPolicy), plugin: 'most' })
  return replan('m-1', wanted, ground, { byUid: (uid) => pods.find((pod) => pod.uid === uid) ?? null, spared: [], inForce: [{ name: 'm-1', spec: wanted }] })
}

t.test('what others\' policies make of a plan follows the table', (t) => {
  const letOut = policy('let-out', { podSelector: WEB, policyTypes: ['Egress'], egress: [{}] })
  const letIn = policy('let-in', { podSelector: DB, ingress: [{}] })
  const shut = policy('shut', { podSelector: WEB, policyTypes: ['Egress'], egress: [] })
  const table: [string, string, PolicyPlace[], readonly object[], object][] = [
    ['nothing is in the way', 'egress', ['egress'], [letIn], { outcome: 'holds' }],
    ['a smaller one would do', 'both', ['egress', 'ingress'], [], { outcome: 'holds' }],
    ['another lets it out, and the victim can be guarded', 'both', ['egress'], [letOut], { outcome: 'moved', policies: ['ingress'], trouble: { reason: 'AddsUp', message: /shop\/let-out allows it/ } }],
    ['another lets it out, and the rule asks for egress', 'egress', ['egress'], [letOut], { outcome: 'weak', trouble: { reason: 'AddsUp' } }],
    ['others let it through at both ends', 'both', ['egress'], [letOut, letIn], { outcome: 'weak', trouble: { reason: 'AddsUp' } }],
    ['the suspect is shut in by now, and ours would open it', 'egress', ['egress'], [shut], { outcome: 'withdrawn', trouble: { reason: 'OpensTraffic' } }],
    ['the suspect is shut in by now, and the victim can be guarded', 'both', ['egress'], [shut], { outcome: 'moved', policies: ['ingress'], trouble: { reason: 'OpensTraffic' } }],
  ]
  for (const [name, direction, policies, others, wanted] of table) t.match(replanned(direction, policies, others), wanted, name)
  t.end()
})
