import t from 'tap'
import { TRANSPORTS } from '../../../src/core/kubernetes/transport.ts'
import { candidateOf, claimsOf } from '../../../src/core/plan/candidate.ts'
import { checkPlan, groundOf, type ObservedFlow } from '../../../src/core/plan/check-plan.ts'
import { optionsOf } from '../../../src/core/plan/choose-policies.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import { Reach, type Cluster } from '../../../src/core/plan/reach/reach.ts'
import { OUTSIDE, randomCluster } from '../../cyclonus/random-cluster.ts'
import { randomFrom } from '../../lab/random.ts'
import { context, detectionOf, renderedOf, ruleOf } from './scene.ts'

const RUNS = 150
const ACTIONS = ['network_policy', 'network_policy, parameters: { direction: ingress }', 'network_policy, parameters: { direction: both, ports: [80] }', 'pod_isolation']

t.test('a check finds all that opens and all that is cut among flows that are tried one by one', (t) => {
  const seen = { RuleMatched: 0, OpensTraffic: 0, AddsUp: 0, CannotEnforce: 0 }
  for (let run = 0; run < RUNS; run++) {
    const random = randomFrom(`check ${run}`)
    const raw = randomCluster(random)
    const now: Cluster = { ...raw, policies: raw.policies.map(readPolicy), plugin: random.chance(0.5) ? 'most' : 'cilium' }
    const [source, target] = random.sample(now.pods.filter(({ hostNetwork }) => hostNetwork !== true), 2)
    const [from] = source?.addresses ?? []
    const to = target?.addresses.find((address) => address.includes(':') === from?.includes(':')) ?? OUTSIDE[0]
    if (source === undefined || from === undefined || to === undefined) continue
    const { rule, action } = ruleOf(random.pick(ACTIONS))
    const plan = planAction(rule, action, detectionOf({ source: { address: from, uid: source.uid }, target: { address: to } }), context({ pods: now.pods.filter(({ hostNetwork }) => hostNetwork !== true) }))
    if (plan.spec === null) throw new Error(plan.message)
    const placing = action.type === 'pod_isolation' ? 'isolation' : 'by-direction'
    const candidate = candidateOf(renderedOf(plan, now.pods, placing), new Map())
    const claims = claimsOf(plan.spec, optionsOf(plan.spec, placing, 'most').at(-1) ?? [])

    const ends = [...now.pods.flatMap(({ addresses }) => addresses), ...OUTSIDE, '10.0.0.99', '198.51.100.1', 'fd00::9:9']
    const flows = ends.flatMap((one) => ends.filter((other) => one.includes(':') === other.includes(':')).flatMap((other) =>
      TRANSPORTS.flatMap((protocol) => [80, 81, 8080, 9999].map((port): ObservedFlow => ({ source: one, destination: other, protocol, port, connections: 1 })))))
    const check = checkPlan(groundOf(now), candidate, claims, flows)
    seen[check.reason]++

    const labelled = now.pods.map((pod) => ({ ...pod, labels: { ...pod.labels, ...candidate.labels.get(pod.uid) } }))
    const [before, after] = [new Reach(now), new Reach({ ...now, pods: labelled, policies: [...now.policies, ...candidate.policies] })]
    const judged = flows.map((flow) => ({ flow, was: before.verdict(flow).allowed, is: after.verdict(flow).allowed }))
    const [opened, cut] = [judged.filter(({ was, is }) => !was && is), judged.filter(({ was, is }) => was && !is)]
    if (opened.length > 0 && check.reason !== 'OpensTraffic') t.fail(`run ${run}: opens ${JSON.stringify(opened[0])}, and ${check.message}`)
    if (cut.length > 0 && check.cuts.total === 0) t.fail(`run ${run}: cuts ${JSON.stringify(cut[0])} unseen`)
    if (check.cutFlows.length !== cut.length) t.fail(`run ${run}: ${check.cutFlows.length} flows for ${cut.length}`)
    if (check.reason === 'RuleMatched') {
      const through = judged.find(({ flow, is }) => is && claims.some((claim) => claim.source === flow.source && claim.destination === flow.destination && (action.type === 'pod_isolation' || flow.port === 80)))
      if (through !== undefined) t.fail(`run ${run}: ${JSON.stringify(through)} passes`)
    }
    const text = /\(([^)]+)\)/
    for (const { source: one, destination: other, ports: [range] } of check.opens.listed) {
      const flow = { source: text.exec(one)?.[1] ?? '', destination: text.exec(other)?.[1] ?? '', protocol: range?.protocol ?? 'TCP', port: range?.first ?? 0 }
      if (before.verdict(flow).allowed || !after.verdict(flow).allowed) t.fail(`run ${run}: ${one} to ${other} is not opened`)
    }
  }
  t.ok(seen.RuleMatched > 10 && seen.OpensTraffic > 10 && seen.AddsUp > 10, JSON.stringify(seen))
  t.end()
})
