import { once } from 'node:events'
import t from 'tap'
import { countersIn } from '../../../sidecar/proxy/dropped-counters.ts'
import { TABLE } from '../../../sidecar/proxy/redirect-rules.ts'
import { MitigationSet } from '../../../src/controller/mitigation-set.ts'
import { conditionOf } from '../../../src/core/mitigation/conditions.ts'
import type { RestrictionCount } from '../../../src/core/mitigation/restriction-count.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { until } from '../../xds/real-envoy.ts'
import { detecting } from '../als/detecting.ts'
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
  const condition = (name: string, type: 'Enforcing' | 'Programmed') => {
    set.observe(fleet.statuses(), Date.now())
    const found = set.get(name)
    return found === null ? undefined : conditionOf(found, type)
  }
  const enforcing = (name: string) => condition(name, 'Enforcing')
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
    const answer = String((await once(socket, 'data'))[0])
    socket.destroy()
    return answer === 'hello'
  }

  set.add([limit('first', PORT)])
  await held(PORT)
  await until('the controller knows that it holds', () => condition('first', 'Programmed')?.status === 'True' || undefined)
  for (let at = 0; at < 3; at++) t.ok(await echoes(PORT), 'within the limit')
  t.equal(await dropped(PORT), 0)
  t.not(enforcing('first')?.status, 'True', 'nothing was tried beyond it')

  // What is tried in the stretch of time in which the proxy took it proves nothing, so it is tried again.
  const proved = async (name: string, port: number): Promise<void> => {
    await until(`the flood proves ${name}\n${agent.stderr}\n${observer.stderr}`, async () => {
      await flood(port)
      return enforcing(name)?.status === 'True' || undefined
    })
  }
  await proved('first', PORT)
  t.match(enforcing('first'), { reason: 'AttemptsStopped', message: /attempts were seen and none got through/ })
  const before = await allReported(PORT)
  t.ok(before > SYNS - 20, `${before} dropped`)
  t.ok(await echoes(OTHER), 'a port that is not limited')
  await until('the limit lets a connection through again', async () => await echoes(PORT) || undefined)

  set.add([limit('second', OTHER)])
  await held(OTHER)
  await flood(PORT)
  const both = await allReported(PORT)
  t.not(enforcing('second')?.status, 'True', 'what another drops proves nothing')
  t.ok(both > before + SYNS - 20, 'what was dropped before the rules were written anew and after them')

  await observer.stop('SIGKILL', 0)
  await flood(PORT) // nobody hears of it, and nobody makes it up
  const unheard = await dropped(PORT) - both
  observer = await startObserver(detector)
  await observer.saying('connected to the detector', 30_000)
  await proved('second', OTHER)
  t.equal(reported(PORT), both, 'a new observer does not count what was dropped before it')
  await flood(PORT)
  await allReported(PORT, unheard)
})
