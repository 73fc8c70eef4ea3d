import t from 'tap'
import type { Pod } from '../../src/core/pod.ts'
import { enforcingPods } from '../../src/core/rollout/scope.ts'
import { addressText } from '../../src/core/flow/address.ts'
import { spiffeId } from '../../src/core/identity.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { madeSpec } from '../core/rollout/made-policy.ts'
import { Bench } from '../controller/bench.ts'
import { skipWithout } from '../setup/tools.ts'
import { Listener } from '../sidecar/als/stage.ts'
import { explicitProxy, freePort, greeter, Laboratory, stay, visit } from '../xds/laboratory.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from '../xds/real-envoy.ts'
import { ATTACKER, becomes, CLIENT } from '../xds/stage.ts'

t.setTimeout(240_000)

const FILE = 'rules: [{ id: floods, name: Floods, attack_class: SYN_FLOOD, actions: [{ action_type: alert_only }] }]'
const GATES = { minAttempts: 20, minTried: 3, minSeconds: 0, maxLegitimateDenials: 0.05 }
const SPEC = { scope: { namespaces: ['shop'] }, canaryShares: [1], gates: GATES, restrictions: [{ name: 'scans', class: 'PORT_SCAN', action: 'deny', ttlSeconds: 3600 }] }
const identity = (uid: string, namespace: string): string => spiffeId({ trustDomain: 'autoshield.local', namespace, uid })
const pod = (uid: string, address: string, namespace: string): Pod => ({ uid, namespace, name: uid, addresses: [address], labels: {}, node: 'n1' })
const SUSPECT = pod('suspect', ATTACKER, 'ops')
const VICTIMS = [pod('first', '10.0.1.1', 'shop'), pod('second', '10.0.1.2', 'shop')]
const PODS = [SUSPECT, ...VICTIMS]

/** Two pods with an Envoy each, which logs to a listener of its own, before a controller; what is counted is what they logged. */
async function scene (dir: string) {
  const stack = new AsyncDisposableStack()
  const laboratory = stack.use(await Laboratory.start())
  const { fleet } = laboratory
  const application = stack.use(await greeter())
  const fronts = new Map<string, { pod: Pod, port: number, log: Listener, taken: number }>()
  for (const victim of VICTIMS) fronts.set(victim.uid, { pod: victim, port: await freePort(), log: stack.use(await Listener.start()), taken: 0 })
  fleet.setProxies([...fronts].map(([uid, { port, log }]) => ({
    ...explicitProxy(uid, [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: application.port } }]), accessLog: { socket: log.socket },
  })))
  for (const uid of fronts.keys()) stack.use(await RealEnvoy.start({ podUid: uid, xds: onLoopback(laboratory.port), credentials: laboratory.credentials(uid), protocol: 'delta' }))
  const bench = stack.use(await Bench.start(dir, {
    policy: FILE,
    nowMs: Date.now(),
    wrap: () => ({ proxies: fleet, pods: { byAddress: (address) => PODS.find(({ addresses }) => addresses.includes(address)) ?? null, byUid: (uid) => PODS.find((one) => one.uid === uid) ?? null, list: () => PODS } }),
  }))
  const inSync = async () => until(`both in sync: ${JSON.stringify(fleet.statuses())}`, () =>
    fleet.statuses().filter(({ connected, state }) => connected && state === 'in-sync').length === fronts.size || undefined)

  /** The suspect scans both: what a detector would make of it. */
  const scans = async () => {
    bench.nowMs += 500
    await bench.scores.push(...VICTIMS.map(({ addresses: [destination = ''] }) => madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source: ATTACKER, destination }, endMs: bench.nowMs, reporter: identity(SUSPECT.uid, 'ops') })))
    await inSync()
  }
  /** A client visits each pod so often; its connections are told as the log has them, in the next whole window. */
  const traffic = async (times: number) => {
    bench.nowMs = Math.ceil((bench.nowMs + 1) / 15_000) * 15_000 + 15_000
    for (const front of fronts.values()) {
      for (let visited = 0; visited < times; visited++) await visit(CLIENT, front.port)
      const ended = await until('the log has them', () => {
        const logged = front.log.entries.filter(({ kind, peer }) => kind === 'ended' && peer.address !== null && addressText(peer.address, 0) === CLIENT).slice(front.taken)
        return logged.length >= times ? logged : undefined
      })
      front.taken += ended.length
      const failed = ended.filter(({ fate }) => fate === 'failed').length
      await bench.scores.push(madeScore({}, {
        key: { kind: 'pair', source: CLIENT, destination: front.pod.addresses[0] ?? '' }, stepMs: 15_000, endMs: bench.nowMs, reporter: identity(front.pod.uid, 'shop'), features: { flow_count: ended.length, failed_conn_ratio: failed / ended.length },
      }))
    }
  }
  /** The suspect tries so often at a pod, and what its proxy counted of that is told. */
  const tries = async (uid: string, times: number) => {
    const front = fronts.get(uid)
    if (front === undefined) throw new Error(`there is no ${uid}`)
    const before = front.log.sums(ATTACKER)
    const from = front.log.counts.length
    for (let tried = 0; tried < times; tried++) {
      if (await visit(ATTACKER, front.port) === 'refused') continue
      using visitor = await stay(ATTACKER, front.port)
      await visitor.echo('hello')
    }
    await front.log.counted(ATTACKER, ({ denied, shadowed }) => denied + shadowed >= before.denied + before.shadowed + times)
    await bench.scores.tell({ type: 'restrictions', counts: front.log.counts.slice(from).map((count) => ({ ...count, podUid: uid, atMs: bench.nowMs })) })
  }
  const portOf = (uid: string): number => fronts.get(uid)?.port ?? 0
  await inSync()
  return { bench, fleet, inSync, scans, traffic, tries, portOf, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

t.test('real traffic at real Envoys takes a policy from observing to enforcing, not without each evidence, and back where legitimate traffic is denied', { skip: skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing]) }, async (t) => {
  await using stage = await scene(t.testdir())
  const { bench, inSync, scans, traffic, tries, portOf } = stage
  const { rollouts } = bench.controller
  const uids = VICTIMS.map(({ uid }) => uid)
  const [canary = ''] = enforcingPods(uids, 1)
  const control = uids.find((uid) => uid !== canary) ?? ''
  const reason = () => rollouts.get('careful')?.status.conditions.find(({ type }) => type === 'Progressing')?.reason
  await rollouts.apply('careful', madeSpec(SPEC), 'console:jo')
  await bench.beat()
  t.equal(reason(), 'TooLittleTraffic')

  await traffic(15)
  await bench.beat()
  t.match(rollouts.get('careful'), { status: { stage: 'shadow' } })
  await scans()
  await becomes(ATTACKER, portOf(canary), 'served')
  await traffic(15)
  await bench.beat()
  t.match(rollouts.get('careful'), { status: { stage: 'shadow' } })
  t.equal(reason(), 'NothingTried', 'traffic alone proves nothing of a restriction')

  await scans()
  await tries(canary, 3)
  await bench.beat()
  t.match(rollouts.get('careful'), { status: { stage: 'canary' } })
  await scans()
  await becomes(ATTACKER, portOf(canary), 'refused')
  await becomes(ATTACKER, portOf(control), 'served')
  await becomes(CLIENT, portOf(canary), 'served')

  await traffic(15)
  await scans()
  await tries(canary, 3)
  await bench.beat()
  t.match(rollouts.get('careful'), { status: { stage: 'enforce', share: 100 } })
  await scans()
  await becomes(ATTACKER, portOf(control), 'refused')

  await bench.beat(60_000) // long quiet: nothing is suspected of the source any more, and its restrictions go on
  await tries(canary, 5)
  await bench.beat()
  t.match(rollouts.get('careful'), { status: { stage: 'shadow', hold: { by: 'autoshield', reason: 'BudgetSpent' } } })
  for (const uid of uids) await becomes(ATTACKER, portOf(uid), 'served')
  await inSync()
  t.strictSame(bench.audit.search({ object: 'meshpolicy/careful' }).toReversed().map(({ actor, action, reason }) => [actor, action, reason]), [
    ['console:jo', 'rollout.asked', 'Stored'],
    ...['shadow', 'canary', 'enforce'].map(() => ['autoshield', 'rollout.promote', 'EvidenceSuffices']),
    ['autoshield', 'rollout.roll-back', 'BudgetSpent'],
  ])
})
