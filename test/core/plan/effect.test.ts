import { Value } from 'typebox/value'
import t from 'tap'
import { groundOf } from '../../../src/core/plan/check-plan.ts'
import { effectOf, PlanEffect } from '../../../src/core/plan/effect.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import { context, detectionOf, PODS, ruleOf } from './scene.ts'

t.test('each way is told with what it cuts and costs, and why it was taken or not', (t) => {
  const { rule, action } = ruleOf('network_policy, parameters: { direction: both, ports: [22] }')
  const letOut = { metadata: { namespace: 'shop', name: 'let-out' }, spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'], egress: [{}] } }
  const pods = Object.values(PODS)
  const ground = groundOf({ pods, namespaces: ['shop', 'other'].map((name) => ({ name, labels: {} })), nodes: [], policies: [readPolicy(letOut)], plugin: 'most' })
  const flow = { source: '10.0.0.1', destination: '10.0.0.3', protocol: 'TCP', port: 22, connections: 7 } as const
  const asked: string[][] = []
  const others = [80, 443].map((port) => ({ ...flow, port, connections: port }))
  const knowledge = { known: true, ground, seen: (uids: readonly string[]) => { asked.push([...uids]); return [flow, ...others] }, unjudged: ['CiliumNetworkPolicy shop/a'] } as const
  const { spec } = planAction(rule, action, detectionOf(), context({ cluster: knowledge }))
  if (spec === null) throw new Error('no plan')
  const effect = effectOf('m-1', spec, knowledge, { byUid: (uid) => pods.find((pod) => pod.uid === uid) ?? null, spared: [], inForce: [{ name: 'm-1', spec }] })
  t.ok(Value.Check(PlanEffect, effect))
  t.match(effect, {
    mitigation: 'm-1',
    unjudged: ['CiliumNetworkPolicy shop/a'],
    options: [
      { policies: ['egress'], state: 'refused', reason: 'AddsUp', message: /shop\/let-out allows it/, cuts: { total: 0 }, flows: [], cost: 0, untouched: { flows: 3, connections: 530 } },
      { policies: ['ingress'], state: 'taken', reason: 'RuleMatched', objects: [/kind: NetworkPolicy/], cuts: { total: 1, listed: [{ source: 'shop/web-0 (10.0.0.1)', ports: 'TCP 22, UDP 22, SCTP 22' }] }, flows: [{ ...flow, claimed: true }], cost: 0, untouched: { flows: 2, connections: 523, listed: others.toReversed() } },
      { policies: ['egress', 'ingress'], state: 'not-needed', reason: 'RuleMatched' },
    ],
  })
  t.strictSame(asked.at(-1), [PODS.web0.uid, PODS.db.uid], 'flows of the pods that it concerns, and no others')
  t.end()
})
