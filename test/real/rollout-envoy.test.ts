import t from 'tap'
import type { Pod } from '../../src/core/pod.ts'
import { enforcingPods } from '../../src/core/rollout/scope.ts'
import { spiffeId } from '../../src/core/identity.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { madeSpec } from '../core/rollout/made-policy.ts'
import { Bench } from '../controller/bench.ts'
import { skipWithout } from '../setup/tools.ts'
import { explicitProxy, freePort, greeter, Laboratory } from '../xds/laboratory.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from '../xds/real-envoy.ts'
import { ATTACKER, becomes, CLIENT } from '../xds/stage.ts'

t.setTimeout(120_000)

const FILE = 'rules: [{ id: floods, name: Floods, attack_class: SYN_FLOOD, actions: [{ action_type: alert_only }] }]'
const SPEC = { scope: { namespaces: ['shop'] }, canaryShares: [1], restrictions: [{ name: 'scans', class: 'PORT_SCAN', action: 'deny', ttlSeconds: 3600 }] }
const pod = (uid: string, address: string, namespace: string): Pod => ({ uid, namespace, name: uid, addresses: [address], labels: {}, node: 'n1' })
const SUSPECT = pod('suspect', ATTACKER, 'ops')
const VICTIMS = [pod('first', '10.0.1.1', 'shop'), pod('second', '10.0.1.2', 'shop')]
const PODS = [SUSPECT, ...VICTIMS]

t.test('a canary\'s Envoy refuses the suspect, the other counts it; legitimate losses take it back in both', { skip: skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing]) }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const laboratory = stack.use(await Laboratory.start())
  const { fleet } = laboratory
  const application = stack.use(await greeter())
  const ports = new Map<string, number>()
  for (const { uid } of VICTIMS) ports.set(uid, await freePort())
  fleet.setProxies(VICTIMS.map(({ uid }) => explicitProxy(uid, [{ listen: { address: '127.0.0.1', port: ports.get(uid) ?? 0 }, upstream: { address: '127.0.0.1', port: application.port } }])))
  for (const { uid } of VICTIMS) stack.use(await RealEnvoy.start({ podUid: uid, xds: onLoopback(laboratory.port), credentials: laboratory.credentials(uid), protocol: 'delta' }))
  const inSync = async (carried: number) => until(`both in sync with ${carried}: ${JSON.stringify(fleet.statuses())}`, () =>
    fleet.statuses().filter(({ connected, state, mitigations }) => connected && state === 'in-sync' && mitigations.length === carried).length === 2 || undefined)
  await inSync(0)

  const bench = stack.use(await Bench.start(t.testdir(), {
    policy: FILE,
    nowMs: Date.now(),
    wrap: () => ({ proxies: fleet, pods: { byAddress: (address) => PODS.find(({ addresses }) => addresses.includes(address)) ?? null, byUid: (uid) => PODS.find((one) => one.uid === uid) ?? null, list: () => PODS } }),
  }))
  const { rollouts } = bench.controller
  await rollouts.apply('careful', madeSpec(SPEC), 'console:jo')
  const uids = VICTIMS.map(({ uid }) => uid)
  const [canary = ''] = enforcingPods(uids, 1)
  const control = uids.find((uid) => uid !== canary) ?? ''
  const [atCanary, atControl] = [ports.get(canary) ?? 0, ports.get(control) ?? 0]
  const scans = async () => {
    bench.nowMs += 500
    await bench.scores.push(...VICTIMS.map(({ addresses: [destination = ''] }) => madeScore({ PORT_SCAN: 0.97 }, {
      key: { kind: 'pair', source: ATTACKER, destination }, endMs: bench.nowMs, reporter: spiffeId({ trustDomain: 'autoshield.local', namespace: 'ops', uid: SUSPECT.uid }),
    })))
  }

  await rollouts.command('careful', 'promote', 'console:jo', 'known from elsewhere')
  await scans()
  await inSync(1)
  await becomes(ATTACKER, atCanary, 'served') // in shadow nobody is refused
  await rollouts.command('careful', 'promote', 'console:jo', 'known from elsewhere')
  await scans()
  await becomes(ATTACKER, atCanary, 'refused')
  await becomes(ATTACKER, atControl, 'served')
  await becomes(CLIENT, atCanary, 'served')

  await bench.beat(60_000) // long quiet: nothing is suspected of the source any more, and its restrictions go on
  await bench.scores.tell({ type: 'restrictions', counts: [{ podUid: canary, source: ATTACKER, destination: '10.0.1.1', port: null, unit: 'connections', atMs: bench.nowMs, attempts: 5, denied: 5, limited: 0, passed: 0, shadowed: 0 }] })
  await bench.beat()
  t.match(rollouts.get('careful'), { status: { stage: 'shadow', hold: { by: 'autoshield', reason: 'BudgetSpent' } } })
  await becomes(ATTACKER, atCanary, 'served')
  t.strictSame(fleet.statuses().map(({ state }) => state), ['in-sync', 'in-sync'])
})
