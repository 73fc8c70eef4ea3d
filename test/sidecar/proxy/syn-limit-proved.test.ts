import { once } from 'node:events'
import t from 'tap'
import { MitigationSet } from '../../../src/controller/mitigation-set.ts'
import { conditionOf } from '../../../src/core/mitigation/conditions.ts'
import type { RestrictionCount } from '../../../src/core/mitigation/restriction-count.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { until } from '../../xds/real-envoy.ts'
import { detecting } from '../als/detecting.ts'
import { countersIn } from '../../../sidecar/proxy/dropped-counters.ts'
import { TABLE } from '../../../sidecar/proxy/redirect-rules.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'
import { UID } from './pod-with-proxy.ts'

t.setTimeout(180_000)

const [PORT, OTHER] = [8082, 8083]
const SYNS = 200

t.test('what a limit on all sources together drops proves it, each SYN once, through new rules and a new observer', { skip: skipShielded(['hping3']) }, async (t) => {
  const { victim, scanner, fleet, root, sockets, agent, startObserver } = await shieldedPod(t)
  for (const port of [PORT, OTHER]) victim.spawn(`socat TCP-LISTEN:${port},fork,reuseaddr EXEC:cat`, { timeoutMs: 170_000 })
  await Promise.all([PORT, OTHER].map((port) => victim.listening(port)))
  const set = new MitigationSet(fleet, null)
  const told: RestrictionCount[] = []
  const detector = await detecting(t, root, victim.address, (counts) => {
    told.push(...counts.filter(({ source }) => source === null))
    set.counted(counts, Date.now())
  })
  let observer = await startObserver(detector)
  t.teardown(async () => observer.stop('SIGKILL', 0))
  await observer.saying('connected to the detector', 30_000)

  const limit = (name: string, port: number) => mitigationOf(name, { subject: 'anySource', victims: [{ uid: UID, addresses: [victim.address] }], ports: [port], action: 'limit', limit: { value: 5, unit: 'connections/s', burst: 5 } })
  const enforcing = (name: string) => {
    set.observe(fleet.statuses(), Date.now())
    const found = set.get(name)
    return found === null ? undefined : conditionOf(found, 'Enforcing')
  }
  const held = async (port: number): Promise<void> => {
    await until(`port ${port} is limited\n${agent.stderr}`, async () => new RegExp(`dport ${port} .*drop`).test(await victim.must('nft list chain inet autoshield flood')) || undefined)
  }
  const flood = async (port: number): Promise<void> => {
    await scanner.run(`hping3 -q -S -p ${port} -a 10.67.0.77 -c ${SYNS} -i u1000 ${victim.address}`, { timeoutMs: 20_000 })
  }
  const dropped = async (port: number): Promise<number> => countersIn(await victim.must('nft -j list counters'), TABLE)?.get(port) ?? 0
  const reported = (port: number): number => told.filter((count) => count.port === port).reduce((sum, { limited }) => sum + limited, 0)
  const allReported = async (port: number, besides = 0): Promise<number> =>
    until(`every drop on port ${port} is reported: ${reported(port)}\n${agent.stderr}\n${observer.stderr}`, async () => {
      const kernel = await dropped(port)
      return kernel > 0 && reported(port) + besides === kernel ? kernel : undefined
    }).catch(async (error: unknown) => { throw new Error(`${String(error)}: ${reported(port)} of ${await dropped(port)}, but for ${besides}`) })
  const echoes = async (port: number): Promise<boolean> => {
    const socket = await sockets.client.connect(victim.address, port)
    socket.write('hello')
    const [answer] = await once(socket, 'data')
    socket.destroy()
    return String(answer) === 'hello'
  }

  set.add([limit('first', PORT)])
  await held(PORT)
  await until('the controller knows that it holds', () => enforcing('first')?.status === 'Unknown' || undefined)
  for (let at = 0; at < 3; at++) t.ok(await echoes(PORT), 'within the limit')
  t.equal(await dropped(PORT), 0)
  t.match(enforcing('first'), { status: 'Unknown' }, 'nothing was tried beyond it')

  await flood(PORT)
  await until(`the flood proves the limit\n${agent.stderr}\n${observer.stderr}`, () => enforcing('first')?.status === 'True' || undefined)
  t.match(enforcing('first'), { reason: 'AttemptsStopped', message: /attempts were seen and none got through/ })
  const once1 = await allReported(PORT)
  t.ok(once1 > SYNS - 10 && once1 <= SYNS, `${once1} of ${SYNS} dropped`)
  t.ok(await echoes(OTHER), 'a port that is not limited')
  await until('the limit lets a connection through again', async () => await echoes(PORT) || undefined)

  set.add([limit('second', OTHER)])
  await held(OTHER)
  t.match(enforcing('second'), { status: 'Unknown' }, 'what another drops proves nothing')
  await flood(PORT)
  const both = await allReported(PORT)
  t.ok(both > once1 + SYNS - 20, 'what was dropped before the rules were written anew and after them')

  await observer.stop('SIGKILL', 0)
  await flood(PORT) // nobody hears of it, and nobody makes it up
  const unheard = await dropped(PORT) - both
  observer = await startObserver(detector)
  await observer.saying('connected to the detector', 30_000)
  await until('the keeper tells the new observer', async () => {
    await flood(OTHER)
    return reported(OTHER) > 0 || undefined
  }, 30_000)
  t.equal(reported(PORT), both, 'a new observer does not count what was dropped before it')
  await until('the second is proved by its own drops', () => enforcing('second')?.status === 'True' || undefined)
  await flood(PORT)
  await allReported(PORT, unheard)
})
