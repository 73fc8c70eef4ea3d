import t from 'tap'
import { Bench } from '../controller/bench.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { until } from '../xds/real-envoy.ts'
import { withoutCluster } from './cluster/test-cluster.ts'
import { policyStage } from './policy-stage.ts'

t.setTimeout(180_000)

/** The addresses of `madeScore`. */
const [ATTACKER, VICTIM] = ['10.0.0.7', '10.0.0.9']
const RULES = `
rules:
  - id: scans
    name: Scans
    attack_class: PORT_SCAN
    cooldown_seconds: 60
    ttl_seconds: 3000
    escalation: isolation
    actions: [{ action_type: network_policy }]
`
t.test('what attempts get through grows step by step in a real API server, each form in place of the last', { skip: withoutCluster('api') }, async (t) => {
  const { namespace, kubectl, pods, policies, reach, mitigations, addressed } = await policyStage(t)
  const attacker = await addressed('tool', ATTACKER)
  await addressed('db', VICTIM)
  const reporter = `spiffe://autoshield.local/ns/${namespace}/pod/${attacker}`

  await using bench = await Bench.start(t.testdir(), {
    nowMs: Date.now(), policy: RULES, wrap: ({ store }) => ({ pods, store: { detections: store.detections, decisions: store.decisions, mitigations }, network: { reach, policies } }),
  })
  const attack = async (more: Parameters<typeof madeScore>[1] = {}): Promise<void> => bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter, ...more }))
  await attack()
  const only = () => mitigations.list()[0]
  const programmedBy = async (places: string) => until(`programmed at ${places}: ${JSON.stringify(only()?.status)}`, () =>
    only()?.spec.policies?.join() === places && only()?.status.conditions.some(({ type, status }) => type === 'Programmed' && status === 'True') === true ? true : undefined)
  const stored = async (): Promise<string[]> => (await kubectl(['get', 'networkpolicies', '-o', 'name'])).trim().split('\n').map((name) => name.replace(/.*autoshield-m-[0-9a-f]+-/, ''))

  await programmedBy('egress')
  for (const [places, names] of [['ingress', ['ingress']], ['egress,ingress', ['egress', 'ingress']], ['isolation', ['isolation']]] as const) {
    bench.nowMs += 50_000
    await attack({ features: { flow_count: 4, bytes_received: 100, failed_conn_ratio: 0.5 } })
    bench.nowMs += 500
    await attack()
    await programmedBy(places)
    t.strictSame((await until(`${names.join()} alone`, async () => (await stored()).join() === names.join() ? await stored() : undefined)), names)
  }
  t.match(only()?.status, { escalation: { from: 'egress+ingress', to: 'isolation', outcome: 'taken', steps: 3 } })
  t.match(await kubectl(['get', 'mit', only()?.metadata.name ?? '', '-o', 'jsonpath={.status.escalation.reason} {.status.escalation.from}>{.status.escalation.to}']), 'Escalated egress+ingress>isolation')
  t.equal(mitigations.list().length, 1, 'it is the same mitigation')
})
