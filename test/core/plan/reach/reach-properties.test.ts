import t from 'tap'
import type { Policy, Rule } from '../../../../src/core/plan/reach/policy.ts'
import { difference, hasPort, type PortSet } from '../../../../src/core/plan/reach/port-set.ts'
import { readPolicy } from '../../../../src/core/plan/reach/read-policy.ts'
import { Reach } from '../../../../src/core/plan/reach/reach.ts'
import { randomCluster, randomQuestion } from '../../../cyclonus/random-cluster.ts'
import { randomFrom, type Random } from '../../../lab/random.ts'

const CLUSTERS = 300
type Policies = readonly Policy[]

interface Given {
  readonly random: Random
  readonly policies: Policies
  readonly pairs: readonly (readonly [string, string])[]
  readonly under: (policies: Policies) => Reach
}

function eachCluster (name: string, check: (given: Given) => void): void {
  for (let at = 0; at < CLUSTERS; at++) {
    const random = randomFrom(`${name} ${at}`)
    const cluster = randomCluster(random)
    const { ends } = randomQuestion(random, cluster)
    const plugin = random.chance(0.5) ? 'most' : 'cilium'
    check({
      random,
      policies: cluster.policies.map(readPolicy),
      pairs: ends.flatMap((source) => ends.map((destination) => [source, destination] as const)),
      under: (policies) => new Reach({ ...cluster, policies, plugin }),
    })
  }
}

/** Another cluster's policies: their rules and selectors are drawn from the same few labels. */
const stranger = (random: Random): Policies => randomCluster(random).policies.map(readPolicy)

/** How often more, and how often less is reached after than before. */
function changes ({ pairs, under }: Given, before: Policies, after: Policies, judge: (change: { reach: Reach, pair: readonly [string, string], opened: PortSet, closed: PortSet }) => void): void {
  const [reach, then] = [under(before), under(after)]
  for (const pair of pairs) {
    const [was, is] = [reach.ports(...pair), then.ports(...pair)]
    judge({ reach, pair, opened: difference(is, was), closed: difference(was, is) })
  }
}

t.test('a rule that is added to a policy closes nothing', (t) => {
  let [opened, closed] = [0, 0]
  eachCluster('rule', (given) => {
    const { random, policies } = given
    const rule = stranger(random).flatMap(({ ingress, egress }) => [...ingress ?? [], ...egress ?? []])[0]
    const chosen = policies[0]
    if (chosen === undefined || rule === undefined) return
    const add = (rules: readonly Rule[] | null): readonly Rule[] | null => rules === null ? null : [...rules, rule]
    changes(given, policies, policies.with(0, { ...chosen, ingress: add(chosen.ingress), egress: add(chosen.egress) }), (change) => {
      opened += change.opened.length
      closed += change.closed.length
    })
  })
  t.equal(closed, 0)
  t.ok(opened > 100, `and often opens something: ${opened}`)
  t.end()
})

t.test('a policy that is added opens nothing where no policy isolated, and closes nothing where it isolates nobody anew', (t) => {
  const seen = { openedAtIsolated: 0, closedAtFree: 0, openedAtFree: 0, closedAtIsolated: 0 }
  eachCluster('policy', (given) => {
    const [added] = stranger(given.random)
    if (added === undefined) return
    changes(given, given.policies, [...given.policies, added], ({ reach, pair: [source, destination], opened, closed }) => {
      const { egress, ingress } = reach.verdict({ source, destination, protocol: 'TCP', port: 80 })
      const sides = [egress, ingress]
      // Neither end is isolated; each end is isolated or no policy can.
      if (sides.every(({ reason }) => reason !== 'Listed' && reason !== 'NotListed')) {
        seen.openedAtFree += opened.length
        seen.closedAtFree += closed.length
      }
      if (sides.every(({ reason }) => reason !== 'NotIsolated')) {
        seen.openedAtIsolated += opened.length
        seen.closedAtIsolated += closed.length
      }
    })
  })
  t.match(seen, { openedAtFree: 0, closedAtIsolated: 0 })
  t.ok(seen.closedAtFree > 100 && seen.openedAtIsolated > 100, JSON.stringify(seen))
  t.end()
})

t.test('neither the order of policies matters nor how rules are spread over them', (t) => {
  eachCluster('spread', (given) => {
    const spread = given.policies.flatMap((policy): Policy[] => [
      { ...policy, ingress: policy.ingress && [], egress: policy.egress && [] },
      ...(policy.ingress ?? []).map((rule): Policy => ({ ...policy, ingress: [rule], egress: null })),
      ...(policy.egress ?? []).map((rule): Policy => ({ ...policy, ingress: null, egress: [rule] })),
    ])
    changes(given, given.policies, spread.toReversed(), ({ pair, opened, closed }) => {
      if (opened.length + closed.length > 0) t.fail(JSON.stringify({ pair, policies: given.policies }))
    })
  })
  t.pass('all the same')
  t.end()
})

t.test('verdicts of flows, ports of two addresses and pairs of a pod agree', (t) => {
  let compared = 0
  for (let at = 0; at < CLUSTERS; at++) {
    const cluster = randomCluster(randomFrom(`agree ${at}`))
    const reach = new Reach({ ...cluster, policies: cluster.policies.map(readPolicy), plugin: 'most' })
    for (const { ownAddress, otherAddress, to, from } of cluster.pods.flatMap((pod) => reach.pairsOf(pod))) {
      for (const [source, destination, ports] of [[ownAddress, otherAddress, to], [otherAddress, ownAddress, from]] as const) {
        const same = reach.ports(source, destination)
        const allowed = reach.verdict({ source, destination, protocol: 'TCP', port: 80 }).allowed
        if (difference(same, ports).length + difference(ports, same).length > 0 || allowed !== hasPort(ports, 'TCP', 80)) t.fail(JSON.stringify({ source, destination, cluster }))
        compared++
      }
    }
  }
  t.ok(compared > CLUSTERS)
  t.end()
})
