import t from 'tap'
import { MitigationSet } from '../../../src/controller/mitigation-set.ts'
import { conditionOf } from '../../../src/core/mitigation/conditions.ts'
import { missingForLab } from '../../lab/lab.ts'
import type { Pod } from '../../lab/pod.ts'
import { skipWithout } from '../../setup/tools.ts'
import { envoyTool, until } from '../../xds/real-envoy.ts'
import { podWithProxy } from '../proxy/pod-with-proxy.ts'
import { detecting } from './detecting.ts'

t.setTimeout(180_000)
const skip = skipWithout([...missingForLab(['socat', 'nft', 'ss', 'curl', 'tcpdump', 'python3']), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])
const clock = { now: Date.now }

const tries = async (from: Pod, to: Pod, times: number): Promise<void> => {
  await from.run(`for i in $(seq ${times}); do curl -s -o /dev/null -m 2 http://${to.address}:8081/; done`)
}

t.test('whether a restriction works is known from what the proxy of its victim did', { skip }, async (t) => {
  const { victim, scanner, client, fleet, root, restriction, serveXds, startAgent, startObserver } = await podWithProxy(t)
  victim.spawn('python3 -m http.server 8081 --directory /usr/share', { timeoutMs: 120_000 })
  await victim.listening(8081)
  const set = new MitigationSet(fleet, null)
  const observer = await startObserver(await detecting(t, root, victim.address, (counts) => set.counted(counts, clock.now())))
  await observer.saying('connected to the detector', 30_000)
  await serveXds()
  const agent = startAgent()
  // They live in the pod's network alone, so they do not end with it.
  t.teardown(async () => Promise.all([agent, observer].map((process) => process.stop('SIGKILL', 0))))
  await agent.saying('connections are redirected', 30_000)

  const say = (): string => `${JSON.stringify(set.active.map(({ status }) => status.conditions))}\n${observer.stderr}\n${agent.stderr}`
  const enforcing = async (name: string, wanted: string, trying = async (): Promise<void> => undefined): Promise<unknown> => until(`Enforcing of ${name} is ${wanted}`, async () => {
    await trying()
    set.observe(fleet.statuses(), clock.now())
    const found = set.get(name)
    if (found === null || conditionOf(found, 'Programmed')?.status !== 'True') return undefined
    return conditionOf(found, 'Enforcing')?.status === wanted ? true : undefined
  }, 30_000).catch((error: unknown) => { throw new Error(`${String(error)}\n${say()}`) })
  const denial = restriction('deny', [scanner.address])
  set.add([denial, restriction('rate', [client.address], { action: 'limit', limit: { value: 0.01, unit: 'connections/s', burst: 2 } })])

  await enforcing('deny', 'Unknown')
  await tries(client, victim, 2) // what is within the limit says nothing of it, nor of the denial
  await enforcing('rate', 'Unknown')
  await enforcing('deny', 'Unknown')

  // What is tried in the stretch of time in which the proxy took it proves nothing, so it is tried again.
  await enforcing('rate', 'True', async () => tries(client, victim, 6))
  await enforcing('deny', 'Unknown')

  await enforcing('deny', 'True', async () => tries(scanner, victim, 3))

  // The proxy takes, under the same name, what holds nobody back.
  fleet.apply([{ ...denial, spec: { ...denial.spec, action: 'watch' } }])
  await until('the scanner is served', async () => (await scanner.run(`curl -s -m 2 -o /dev/null http://${victim.address}:8081/`)).code === 0 ? true : undefined)
  t.ok(await enforcing('deny', 'False', async () => tries(scanner, victim, 3)))
})
