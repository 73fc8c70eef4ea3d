import t from 'tap'
import { ProtectedSet } from '../../src/core/safety/protected.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench, POLICY } from './bench.ts'

const scan = (): Score => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER })
const protecting = (uid: string) => ({ wrap: () => ({ protections: { now: () => new ProtectedSet([{ kind: 'pod', name: 'p', uid, by: 'dns', how: 'It is the cluster\'s DNS.' }]) } }) })

for (const direction of ['ingress', 'both', 'egress']) {
  t.test(`an attack on a protected pod is cut as it leaves its source, where the rule says ${direction}, and nothing selects the victim`, async (t) => {
    await using bench = await Bench.start(t.testdir(), { ...protecting('u9'), policy: POLICY.replace('direction: ingress', `direction: ${direction}`) })
    await bench.scores.push(scan())
    const [decision] = bench.store.decisions.list()
    t.match(decision, { verdict: 'mitigate', reason: 'RuleMatched' })
    t.match(bench.store.mitigations.list(), [{ spec: { subject: { uid: 'u7' }, direction: 'egress' } }])
    const policies = decision?.plan.filter(({ kind }) => kind === 'NetworkPolicy').map(({ yaml }) => yaml) ?? []
    t.equal(policies.length, 1)
    t.match(policies[0], /policyTypes:\s*- Egress/)
    t.notMatch(policies[0], /- Ingress/)
  })
}

t.test('an attack by way of a Service with a protected pod behind it is cut as it leaves its source, and nothing selects the victim', async (t) => {
  const known = protecting('u9')
  const services = { byAddress: (address: string) => address === '10.96.0.2' ? { namespace: 'shop', name: 'db', selector: {}, ports: [], addresses: ['10.0.0.9'] } : null, inFrontOf: () => [] }
  await using bench = await Bench.start(t.testdir(), { wrap: () => ({ ...known.wrap(), services }) })
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source: '10.0.0.7', destination: '10.96.0.2' }, endMs: T0 + 500, reporter: ATTACKER }))
  t.match(bench.store.mitigations.list(), [{ spec: { subject: { uid: 'u7' }, direction: 'egress', victims: [{ uid: 'u9' }], services: ['10.96.0.2'] } }])
})

t.test('an attack by a protected pod restricts nobody and says why', async (t) => {
  await using bench = await Bench.start(t.testdir(), protecting('u7'))
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list(), [{ verdict: 'alert', reason: 'ProtectedTarget', message: /It is the cluster's DNS\./ }])
  t.strictSame(bench.store.mitigations.list(), [])
})
