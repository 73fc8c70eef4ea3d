import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Decision } from '../../src/core/policy/decision.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { autoshield, Running } from '../program.ts'
import { until } from '../xds/real-envoy.ts'

t.setTimeout(240_000)

interface Snapshot { resources: { listeners: { filter_chains: { name: string, filters: { name: string, typed_config: { shadow_rules?: unknown } }[] }[] }[] } }

const FREE_PORTS = ['--api-port', '0', '--dashboard-port', '0', '--metrics-port', '0', '--xds', '127.0.0.1:0']

async function dataFolder (t: { teardown: (end: () => Promise<void>) => void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-up-'))
  t.teardown(async () => rm(folder, { recursive: true }))
  return folder
}

/** `up` on the shipped recording, and how to ask it. */
async function startUp (data: string, ...more: string[]) {
  const up = Running.start(['up', '--data', data, ...FREE_PORTS, ...more])
  const api = (await up.saying(/API +(http:\S+)\/api\/v1/))[1] ?? ''
  const get = async <T> (path: string): Promise<T> => (await fetch(`${api}/api/v1${path}`)).json() as Promise<T>
  return { up, api, get, [Symbol.asyncDispose]: async () => up[Symbol.asyncDispose]() }
}

t.test('the recorded attack goes round the whole loop, simulated, and survives a kill', async (t) => {
  const data = await dataFolder(t)
  {
    await using loop = await startUp(data, '--speed', '10')
    const { up, api, get } = loop
    const mitigation = await until('a mitigation', async () => (await get<{ items: Mitigation[] }>('/mitigations')).items[0], 120_000)
    const detection = await get<Detection>(`/detections/${mitigation.spec.detection}`)
    t.equal(detection.simulated, true)
    t.ok(detection.explanation.sentence.length > 20)
    t.match(up.stdout, new RegExp(`DETECTION +${detection.class}`))

    const { items } = await get<{ items: Decision[] }>('/decisions')
    const decision = items.find((made) => made.mitigation === mitigation.metadata.name)
    t.equal(decision?.verdict, 'simulate')
    t.equal(decision?.reason, 'SimulatedEvidence')
    t.ok((decision?.safety.length ?? 0) > 5, 'safety says what it looked at')
    const policies = items.flatMap(({ plan }) => plan).filter(({ kind }) => kind === 'NetworkPolicy').map(({ yaml }) => parse(yaml) as { apiVersion: string, kind: string })
    t.match(policies[0], { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' })

    t.equal(mitigation.status.simulated, true)
    t.equal(mitigation.spec.mode, 'shadow')
    t.match(up.stdout, /mitigation .*SIMULATED, nothing is enforced/)
    const victim = mitigation.spec.victims[0]?.uid ?? ''
    const source = mitigation.spec.subject === 'anySource' ? '' : mitigation.spec.subject.addresses[0] ?? ''
    const { resources: { listeners } } = await get<Snapshot>(`/proxies/${encodeURIComponent(victim)}/snapshot`)
    const chain = listeners.flatMap((listener) => listener.filter_chains).find(({ name }) => name === `source/${source}`)
    t.same(chain?.filters.map(({ name }) => name), ['envoy.filters.network.rbac', 'envoy.filters.network.tcp_proxy'], 'a connected Envoy would count the attacker in a chain of its own, and pass it on')
    t.ok(chain?.filters[0]?.typed_config.shadow_rules, 'in shadow: nothing is refused')

    const undone = await autoshield(['mitigations', 'revert', mitigation.metadata.name, '--reason', 'a drill', '--api', api])
    t.equal(undone.status, 0, undone.stderr)
    t.equal((await get<Mitigation>(`/mitigations/${mitigation.metadata.name}`)).status.phase, 'reverted')
    const again = await autoshield(['mitigations', 'revert', mitigation.metadata.name, '--reason', 'a drill', '--api', api])
    t.not(again.status, 0, 'what is undone is not undone twice')

    up.kill('SIGKILL')
    await up.ended
  }

  const proved = await autoshield(['audit', 'verify', '--data', data])
  t.equal(proved.status, 0, proved.stdout + proved.stderr)
  const listed = await autoshield(['mitigations', 'list', '--data', data, '-o', 'json'])
  const kept = listed.stdout.trim().split('\n').map((line) => JSON.parse(line) as Mitigation)
  const reverted = kept.find(({ status }) => status.phase === 'reverted')
  t.ok(reverted, 'the undo that was acknowledged is there')
  const explained = await autoshield(['explain', reverted?.spec.detection ?? '', '--data', data])
  t.equal(explained.status, 0, explained.stderr)
  t.match(explained.stdout, /unique_ports/)

  await using loop = await startUp(data, '--no-replay')
  const { up, get } = loop
  const names = (await get<{ items: Mitigation[] }>('/mitigations')).items.map(({ metadata }) => metadata.name)
  t.same(names.sort(), kept.map(({ metadata }) => metadata.name).sort(), 'a second start resumes from the store')
  const second = await autoshield(['up', '--data', data, ...FREE_PORTS])
  t.equal(second.status, 1)
  t.match(second.stderr, /in use by another AutoShield process/)
  up.kill('SIGINT')
  t.same(await up.ended, [0, null], 'Ctrl-C stops it cleanly')
})

t.test('a port in use is said plainly, with the flag that changes it', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const port = String((taken.address() as AddressInfo).port)
  for (const flag of ['--api-port', '--dashboard-port', '--metrics-port']) {
    const ports = FREE_PORTS.with(FREE_PORTS.indexOf(flag) + 1, port)
    const { status, stderr } = await autoshield(['up', '--no-replay', '--data', await dataFolder(t), ...ports])
    t.equal(status, 1)
    t.match(stderr, `Port ${port}`)
    t.match(stderr, flag)
  }
  const { status, stderr } = await autoshield(['up', '--no-replay', '--data', await dataFolder(t), ...FREE_PORTS.with(-1, `127.0.0.1:${port}`)])
  t.equal(status, 1)
  t.match(stderr, '--xds')
})

t.test('panic stops all new actions of a loop that runs, tells of it and ends', async (t) => {
  await using loop = await startUp(await dataFolder(t), '--no-replay')
  const panic = async (...args: readonly string[]) => autoshield(['panic', '--api', loop.api, ...args])
  t.match(await panic(), { status: 0, stdout: /^actions go on/ })
  t.match(await panic('--undo'), { status: 64, stderr: /--reason/ })
  t.match(await panic('--reason', 'wrong', '--undo'), { status: 0, stdout: /^no new action from now on; 0 undone/ })
  t.match(await panic(), { status: 0, stdout: /^stopped by console:anonymous since \S+: wrong/ })
  t.match(await panic('--end', '--reason', 'mended'), { status: 0, stdout: /^actions go on/ })
  t.match(await panic('--end', '--reason', 'again'), { status: 1, stderr: /Nobody stopped/ })
})

t.test('--simulate wins over ENABLE_ACTUATION=true', async (t) => {
  await using up = Running.start(['up', '--no-replay', '--simulate', '--data', await dataFolder(t), ...FREE_PORTS], { ENABLE_ACTUATION: 'true' })
  await up.saying(/actuation +off/)
  t.pass()
})
