import t from 'tap'
import { cleanUp, type LeftOver } from '../../src/controller/actuation/cleanup.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
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
    confidence_threshold: 0.9
    cooldown_seconds: 0
    ttl_seconds: 300
    actions: [{ action_type: network_policy, parameters: { direction: both } }]
`

t.test('a mitigation\'s NetworkPolicies in a real API server', { skip: withoutCluster('api') }, async (t) => {
  const { api, namespace, kubectl, pods, policies, reach, mitigations, addressed } = await policyStage(t)
  const attacker = await addressed('tool', ATTACKER)
  await addressed('db', VICTIM)
  await addressed('shop', '10.0.0.10')

  /** Labels and policies of the namespace, without what only counts versions. */
  const objects = async (): Promise<string> => kubectl(['get', 'pods,networkpolicies', '-o', 'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.labels} {.spec.podSelector}{.spec.ingress}{.spec.egress}{"\\n"}{end}'])
  const dir = t.testdir()
  const start = async (): Promise<Bench> => Bench.start(dir, {
    nowMs: Date.now(), policy: RULES, settings: { labelRestMs: 0 }, wrap: ({ store }) => ({ pods, store: { detections: store.detections, decisions: store.decisions, mitigations }, network: { reach, policies } }),
  })
  let bench = await start()
  t.teardown(async () => bench[Symbol.asyncDispose]())
  const attack = async (): Promise<string> => {
    const known = new Set(mitigations.list().map(({ metadata }) => metadata.name))
    await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: `spiffe://autoshield.local/ns/${namespace}/pod/${attacker}` }))
    return until('a mitigation', () => mitigations.list().find(({ metadata }) => !known.has(metadata.name))?.metadata.name)
  }
  const condition = (name: string, type: string) => mitigations.get(name)?.status.conditions.find((each) => each.type === type)
  const becomes = async (name: string, type: string, status: string, reason: string): Promise<Mitigation['status']['conditions'][number]> =>
    until(`${type} ${status} ${reason}: ${JSON.stringify(mitigations.get(name)?.status)}`, () => {
      const found = condition(name, type)
      return found?.status === status && found.reason === reason ? found : undefined
    })

  const before = await objects()
  const name = await attack()
  const [target = ''] = mitigations.get(name)?.status.targets.map((each) => each.target) ?? []
  const policy = target.split('/').at(-1) ?? ''

  await t.test('the smallest one is stored, under the suspect\'s label, and the mitigation is programmed by it', async (t) => {
    await becomes(name, 'Programmed', 'True', 'Acknowledged')
    t.match(mitigations.get(name), { spec: { policies: ['egress'] }, status: { targets: [{ target: `networkpolicy/${namespace}/${policy}`, state: 'programmed', version: '1' }] } })
    const stored = JSON.parse(await kubectl(['get', 'networkpolicy', policy, '-o', 'json'])) as { metadata: { annotations: Record<string, string> }, spec: object }
    t.match(stored.spec, { podSelector: { matchLabels: { 'autoshield.dev/pod': attacker } }, policyTypes: ['Egress'] })
    t.equal(stored.metadata.annotations['autoshield.dev/mitigation'], name)
    t.equal(await kubectl(['get', 'pods', '-l', `autoshield.dev/pod=${attacker}`, '-o', 'name']), 'pod/tool\n')
  })

  await t.test('what somebody deletes or edits is put back, and named', async (t) => {
    const there = async () => objects()
    const whole = await there()
    await kubectl(['delete', 'networkpolicy', policy])
    await until('it is there again', async () => await there() === whole || undefined)
    await kubectl(['patch', 'networkpolicy', policy, '--type=json', '--patch', '[{"op":"add","path":"/spec/egress/-","value":{}}]', '--field-manager=meddler'])
    await until('it says what it said', async () => await there() === whole || undefined)
    await kubectl(['label', 'pod', 'tool', 'autoshield.dev/pod-'])
    await until('the pod has its label', async () => await there() === whole || undefined)
    const told = await until('all three are told', async () => {
      await bench.beat()
      const entries = bench.audit.search({ limit: 100 }).filter(({ reason }) => reason === 'PutBack').toReversed()
      return entries.length >= 3 ? entries : undefined
    })
    t.strictSame(told.map(({ actor, object }) => `${actor} ${object.replace(namespace, 'NS').replace(policy, 'POLICY')}`), [
      '(unknown) networkpolicies/NS/POLICY', 'field-manager/meddler networkpolicies/NS/POLICY', '(unknown) pods/NS/tool',
    ])
    await becomes(name, 'Programmed', 'True', 'Acknowledged')
  })

  await t.test('a controller that starts anew finds it as it should be', async () => {
    const whole = await objects()
    await bench[Symbol.asyncDispose]()
    await kubectl(['delete', 'networkpolicy', policy])
    bench = await start()
    await until('it is there again', async () => await objects() === whole || undefined)
  })

  await t.test('cleanup leaves alone what is in force, and takes away what a dead controller left', async (t) => {
    const whole = await objects()
    const clean = async (nowMs: number, remove: boolean): Promise<LeftOver[]> => {
      const found: LeftOver[] = []
      for await (const left of cleanUp(api, { ownNamespace: namespace, remove, nowMs })) found.push(left)
      return found
    }
    t.strictSame(await clean(bench.nowMs, true), [])
    await bench[Symbol.asyncDispose]()
    const late = bench.nowMs + 3_600_000
    t.match(await clean(late, false), [{ kind: 'NetworkPolicy', name: policy, outcome: 'found', why: /no controller ended it/ }, { kind: 'Pod', outcome: 'found' }, { kind: 'Pod', outcome: 'found' }])
    t.equal(await objects(), whole, 'listing touches nothing')
    t.match((await clean(late, true)).map(({ outcome }) => outcome), ['removed', 'removed', 'removed'])
    t.equal(await objects(), before)
    t.strictSame(await clean(late, true), [])
    bench = await start()
    await until('the controller that is there again puts it back', async () => await objects() === whole || undefined)
  })

  await t.test('an undo leaves every object as it was', async (t) => {
    await bench.controller.revert(name, 'anna', 'a drill')
    await until('all is as before', async () => await objects() === before || undefined)
    t.match(condition(name, 'Degraded'), { status: 'False', reason: 'Reverted' })
  })

  await t.test('a policy of somebody else that is in the way is named, and left alone', async (t) => {
    const open = JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'let-out' }, spec: { podSelector: { matchLabels: { app: 'tool' } }, policyTypes: ['Egress'], egress: [{}] } })
    await kubectl(['create', '-f', '-'], open)
    await until('it is known', () => policies.all().some((each) => each.name === 'let-out') || undefined)
    const theirs = await kubectl(['get', 'networkpolicy', 'let-out', '-o', 'json'])
    await bench.beat(120_000)
    await bench.beat(120_000) // the detection has closed
    const next = await attack()
    t.strictSame(mitigations.get(next)?.spec.policies, ['ingress'])
    const [decision] = bench.store.decisions.list({ limit: 1 })
    t.match(decision?.message, new RegExp(`by NetworkPolicy at the ingress of the victims. Not by NetworkPolicy at the egress of the suspect: .*${namespace}/let-out allows it`))
    await becomes(next, 'Programmed', 'True', 'Acknowledged')
    t.equal(await kubectl(['get', 'networkpolicy', 'let-out', '-o', 'json']), theirs)
    bench.nowMs += 400_000
    await bench.beat()
    await until('all but theirs is as before', async () => (await objects()).replace(/^NetworkPolicy\/let-out .*\n/m, '') === before || undefined)
    t.equal(mitigations.get(next)?.status.phase, 'expired')
    t.equal(await kubectl(['get', 'networkpolicy', 'let-out', '-o', 'json']), theirs)
  })
})
