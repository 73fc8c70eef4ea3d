import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FEATURES, keyId, type FeatureName, type Window } from '../../../src/core/window/window.ts'
import { Lab, missingForLab } from '../../lab/lab.ts'
import type { LabProcess } from '../../lab/process.ts'
import { skipWithout } from '../../setup/tools.ts'
import { Laboratory } from '../../xds/laboratory.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from '../../xds/real-envoy.ts'
import { relay } from '../../xds/relay.ts'

t.setTimeout(180_000)

const skip = skipWithout([...missingForLab(['python3', 'curl', 'nmap', 'nft', 'socat']), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])
const [CLIENT, VICTIM] = ['10.9.0.1', '10.9.0.2']
const [REDIRECT, RELAY, HTTP] = [15_006, 18_000, 8_080]
const WATCHERS = { als: join(import.meta.dirname, 'watch.ts'), packet: join(import.meta.dirname, '../sockdiag/watch.ts') }

type Sums = Readonly<Record<FeatureName, number>>

/** A client and a victim behind a redirect to a real Envoy, both sources beside the victim; `layer`: whether Envoy sees requests on the port. */
async function stage (t: Test, layer: 'tcp' | 'http') {
  const lab = await Lab.start({ pods: [{ name: 'client', address: CLIENT }, { name: 'victim', address: VICTIM }] })
  t.teardown(async () => lab[Symbol.asyncDispose]())
  const [client, victim] = [lab.pod('client'), lab.pod('victim')]
  victim.spawn(`python3 -m http.server ${HTTP} --directory /usr/share`)
  await victim.listening(HTTP)
  await victim.must(`nft 'table inet autoshield { chain inbound { type nat hook prerouting priority dstnat; meta l4proto tcp redirect to :${REDIRECT}; }; }'`)
  const socket = join(victim.folder, 'als.sock')
  const als = victim.spawnInNetwork([process.execPath, WATCHERS.als, VICTIM, socket])
  const packet = victim.spawnInNetwork([process.execPath, WATCHERS.packet, 'packet', VICTIM])
  // They live in the pod's network alone, so they do not end with it.
  t.teardown(async () => Promise.all([als, packet].map((watch) => watch.stop('SIGKILL', 0))))
  await Promise.all([als, packet].map((watch) => watch.saying('watching', 60_000)))
  const laboratory = await Laboratory.start()
  t.teardown(async () => laboratory[Symbol.asyncDispose]())
  const way = await relay(victim, RELAY, () => laboratory.port)
  t.teardown(async () => way[Symbol.asyncDispose]())
  laboratory.fleet.setProxies([{ podUid: 'victim', inbound: { mode: 'redirect', port: REDIRECT }, accessLog: { socket }, httpPorts: layer === 'http' ? [HTTP] : [] }])
  const envoy = await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(RELAY), credentials: laboratory.credentials('victim'), networkOf: victim.pid })
  t.teardown(async () => envoy[Symbol.asyncDispose]())
  await until(`Envoy takes it: ${JSON.stringify(laboratory.fleet.statuses())}\n${envoy.stderr}`, () => laboratory.fleet.statuses().find(({ state }) => state === 'in-sync'))
  // One connection, so that Envoy has connected to the log before the traffic that is compared; both sources see it.
  await until('Envoy serves', async () => (await client.run(`curl -s -o /dev/null http://${VICTIM}:${HTTP}/`)).code === 0 ? true : undefined)
  return { client, als, packet }
}

/** What a watch has told of the client's pair with the victim, summed over its 0.5 s windows. */
function sums ({ stdout }: LabProcess): Sums {
  const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n').filter((line) => line.includes('"key"'))
  const windows = lines.map((line) => JSON.parse(line) as Pick<Window, 'key'> & { features: number[] })
  const ours = windows.filter(({ key }) => keyId(key) === `${CLIENT}>${VICTIM}`)
  return Object.fromEntries(FEATURES.map((feature, at) => [feature, ours.reduce((sum, { features }) => sum + (features[at] ?? 0), 0)])) as Record<FeatureName, number>
}

/** What both watches see of what is made, once both have so much of a feature more: a look lies up to a step behind. */
async function seen (watches: readonly LabProcess[], feature: FeatureName, more: number, make: () => Promise<unknown>): Promise<Sums[]> {
  await until('both have seen the first', () => watches.every((watch) => sums(watch).fin_count >= 2) ? true : undefined)
  const before = watches.map(sums)
  await make()
  await until(`both have seen them all: ${JSON.stringify(watches.map(sums))}`, () => watches.every((watch, at) => sums(watch)[feature] >= (before[at]?.[feature] ?? 0) + more) ? true : undefined)
  return watches.map((watch, at) => Object.fromEntries(FEATURES.map((name) => [name, sums(watch)[name] - (before[at]?.[name] ?? 0)])) as Record<FeatureName, number>)
}

for (const layer of ['tcp', 'http'] as const) {
  t.test(`${layer}: whole requests look the same to the log and to packets`, { skip }, async (t) => {
    const { client, als, packet } = await stage(t, layer)
    const [logged, truth] = await seen([als, packet], 'fin_count', 60, () => client.must(`for i in $(seq 30); do curl -s -o /dev/null http://${VICTIM}:${HTTP}/; done`))
    t.equal(truth?.syn_count, 30)
    t.comment(JSON.stringify({ logged, truth }))
    if (logged === undefined || truth === undefined) return
    for (const feature of ['syn_count', 'rst_count', 'bytes_sent', 'bytes_received'] as const) t.equal(logged[feature], truth[feature], feature)
    t.ok(Math.abs(logged.flow_count - truth.flow_count) <= 6, `flow_count ${logged.flow_count} of ${truth.flow_count}: a step's end may cut a connection`)
    t.equal(logged.failed_conn_ratio, 0)
  })
}

t.test('a scan behind the redirect, where every port looks open, is seen as failures at the ports that were meant', { skip }, async (t) => {
  const { client, als, packet } = await stage(t, 'tcp')
  const [logged, truth] = await seen([als, packet], 'syn_count', 300, () => client.must(`nmap -n -Pn -sT -T4 --max-retries 0 -p 1-300 ${VICTIM}`))
  t.comment(JSON.stringify({ logged, truth }))
  if (logged === undefined || truth === undefined) return
  t.ok(Math.abs(logged.unique_ports - 300) <= 5, `${logged.unique_ports} ports of 300`)
  t.ok(Math.abs(logged.flow_count - 300) <= 10, `${logged.flow_count} flows of 300`)
  t.ok(logged.failed_conn_ratio > 0, 'windows of failures')
  t.ok(truth.unique_ports >= 250, `packets: ${truth.unique_ports}`)
})
