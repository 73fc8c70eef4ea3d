import t from 'tap'
import type { MitigationSpec, PolicyPlace } from '../../../src/core/mitigation/mitigation.ts'
import { groundOf } from '../../../src/core/plan/check-plan.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { planLarger } from '../../../src/core/plan/plan-larger.ts'
import type { Plugin } from '../../../src/core/plan/reach/policy.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import type { Rule } from '../../../src/core/policy/rule.ts'
import { context, detectionOf, PODS, ruleOf } from './scene.ts'

const PODS_HERE = [{ ...PODS.web0, labels: { app: 'web' } }, PODS.web1, { ...PODS.db, labels: { app: 'db' } }, PODS.far]
/** Lets the suspect out to everybody, so that no policy at its egress cuts anything. */
const LET_OUT = { metadata: { namespace: 'shop', name: 'let-out' }, spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'], egress: [{}] } }

function larger (escalation: Rule['escalation'], carried: Partial<MitigationSpec>, { policies = [], connected = true, guarded = false, plugin = 'most' }: { policies?: readonly object[], connected?: boolean, guarded?: boolean, plugin?: Plugin } = {}) {
  const { rule, action } = ruleOf('network_policy')
  const ground = groundOf({ pods: PODS_HERE, namespaces: ['shop', 'other'].map((name) => ({ name, labels: {} })), nodes: [], policies: policies.map(readPolicy), plugin })
  const around = context({ pods: PODS_HERE, ...(connected && { cluster: { known: true, ground, seen: () => [] } }) })
  const now = planAction(rule, action, detectionOf(), context({ pods: PODS_HERE })).spec
  if (now === null) throw new Error('nothing is planned')
  const { policies: _, ...bare } = now
  const found = planLarger({ ...rule, escalation }, { ...bare, ...carried }, detectionOf(), around, guarded ? { kind: 'pod', name: 'shop/db', by: 'operator', how: 'It is named.' } : null)
  return found === null ? null : `${found.from} > ${found.to}`
}
const at = (...policies: PolicyPlace[]): Partial<MitigationSpec> => ({ policies })
const limit = { action: 'limit', limit: { value: 1, unit: 'connections/s', burst: 1 } } as const

t.test('the ladder goes one step at a time as far as its rule allows, each row of the table', async (t) => {
  const table: [string, ReturnType<typeof larger>, string | null][] = [
    ['no escalation', larger('none', at('egress')), null],
    ['from a limit', larger('both', limit), 'limit > egress'],
    ['from proxies alone', larger('both', {}), 'proxies > egress'],
    ['from egress', larger('both', at('egress')), 'egress > ingress'],
    ['from ingress', larger('both', at('ingress')), 'ingress > egress+ingress'],
    ['from both, and no further', larger('both', at('egress', 'ingress')), null],
    ['from both, and further', larger('isolation', at('egress', 'ingress')), 'egress+ingress > isolation'],
    ['the smallest comes first also where more is allowed', larger('isolation', at('egress')), 'egress > ingress'],
    ['from isolation', larger('isolation', at('isolation')), null],
    ['a protected victim is never selected', larger('both', at('egress'), { guarded: true }), null],
    ['a protected victim leaves the isolation of the suspect', larger('isolation', at('egress'), { guarded: true }), 'egress > isolation'],
    ['what does not cut is passed over', larger('both', {}, { policies: [LET_OUT] }), 'proxies > ingress'],
    ['with Cilium, from a denial to the next', larger('both', at('egress-deny'), { plugin: 'cilium' }), 'egress > ingress'],
    ['with Cilium, never from denials at both ends to a list of everybody else', larger('both', at('egress-deny', 'ingress-deny'), { plugin: 'cilium' }), null],
    ['with Cilium, never from a denial to a list at the same place', larger('both', { ...at('egress-deny'), direction: 'egress' }, { plugin: 'cilium', guarded: true }), null],
    ['with Cilium, from denials at both ends to an isolation', larger('isolation', at('egress-deny', 'ingress-deny'), { plugin: 'cilium' }), 'egress+ingress > isolation'],
    ['no cluster is connected', larger('isolation', {}, { connected: false }), null],
  ]
  for (const [name, found, wanted] of table) t.equal(found, wanted, name)
})
