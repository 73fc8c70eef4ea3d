import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { missingForLab } from '../../lab/lab.ts'
import type { Pod } from '../../lab/pod.ts'
import type { LabProcess } from '../../lab/process.ts'
import { processesIn } from '../../lab/processes-in.ts'
import { skipWithout } from '../../setup/tools.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { envoyTool, until } from '../../xds/real-envoy.ts'
import { podWithProxy, USER } from './pod-with-proxy.ts'

const skip = skipWithout([...missingForLab(['socat', 'nft', 'stdbuf']), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])
t.setTimeout(180_000)

const visit = async (from: Pod, to: Pod, port = 8080): Promise<'served' | 'refused'> =>
  (await from.run(`socat -u -T 2 TCP:${to.address}:${port},connect-timeout=2 -`, { timeoutMs: 5000 })).stdout.startsWith('220 ready') ? 'served' : 'refused'

/** A connection of a pod that stays, and what its application says to a word. */
async function stay (from: Pod, to: Pod, name: string) {
  const way = join(from.folder, `${name}.sock`)
  from.spawn(`socat UNIX-LISTEN:${way} TCP:${to.address}:8082`, { timeoutMs: 120_000 })
  const socket = await until('the way in is there', () => new Promise<ReturnType<typeof connect> | undefined>((resolve) => {
    const socket = connect(way, () => resolve(socket)).on('error', () => resolve(undefined))
  }))
  return {
    says: async (word: string): Promise<string> => {
      socket.write(word)
      return String((await Promise.race([once(socket, 'data'), once(socket, 'close')]))[0])
    },
    end: () => socket.destroy(),
  }
}

/** As a container's end does: the first process alone. */
const end = (agent: LabProcess, signal: NodeJS.Signals): void => { process.kill(agent.pid ?? 0, signal) }

t.test('whatever of the proxy is away, the pod is served; restrictions hold while it is there', { skip }, async (t) => {
  const { victim, scanner, client, fleet, adminSocket, serveXds, startAgent } = await podWithProxy(t)
  for (const port of [8080, 8099]) victim.spawn(`socat TCP-LISTEN:${port},fork,reuseaddr SYSTEM:'echo 220 ready'`, { timeoutMs: 120_000 })
  victim.spawn('socat TCP-LISTEN:8082,fork,reuseaddr EXEC:cat', { timeoutMs: 120_000 })
  await Promise.all([8080, 8082, 8099].map((port) => victim.listening(port)))
  const older = await stay(client, victim, 'older')
  t.equal(await older.says('before any proxy'), 'before any proxy')
  const agent = startAgent()
  const becomes = (from: Pod, wanted: 'served' | 'refused', what: string) =>
    until(`${what}: ${from.name} is ${wanted}\n${agent.stderr}`, async () => await visit(from, victim) === wanted ? true : undefined)
  fleet.apply([mitigationOf('scanner', { subject: { uid: 'scanner', addresses: [scanner.address] }, victims: [{ uid: 'uid-of-cart-0', addresses: [victim.address] }], ports: 'any' })])

  await agent.saying('the proxy does not listen yet', 30_000)
  for (const from of [client, scanner]) t.equal(await visit(from, victim), 'served', `${from.name} while xDS is away at boot`)
  t.equal(await victim.must('nft list ruleset'), '', 'nothing is redirected yet')

  await serveXds()
  await agent.saying('connections are redirected: to the pod by port 15006, from the pod by port 15001', 30_000)
  await becomes(scanner, 'refused', 'with its configuration')
  t.equal(await visit(client, victim), 'served')
  t.equal(await visit(scanner, victim, 8099), 'served', 'a port that is left direct')
  t.equal(await visit(victim, victim), 'served', 'the pod itself')
  t.equal(await older.says('through no proxy'), 'through no proxy', 'a connection that is older than the redirect lives on')
  client.spawn('socat TCP-LISTEN:8080,fork,reuseaddr SYSTEM:\'echo 220 ready\'', { timeoutMs: 120_000 })
  await client.listening(8080)
  const opened = async (): Promise<number> => Number(/^listener\.outbound\.downstream_cx_total: (\d+)$/m.exec(await victim.must(`curl -s --unix-socket ${adminSocket} http://envoy/stats`))?.[1])
  const before = await opened()
  t.equal(await visit(victim, client), 'served', 'what the pod calls')
  t.equal(await opened(), before + 1, 'goes by way of the proxy')
  const [envoy = 0] = processesIn(victim, 'envoy')
  t.match(readFileSync(`/proc/${envoy}/status`, 'utf8'), new RegExp(`^Uid:\t${USER}\t.*^CapEff:\t0{12}2000$`, 'ms'), 'Envoy is another user, with no capability but NET_RAW')

  process.kill(envoy, 'SIGKILL')
  await agent.saying('Envoy has ended by SIGKILL; connections reach the pod directly', 10_000)
  t.equal(await visit(client, victim), 'served', 'while Envoy is dead')
  await until('another Envoy is there', () => processesIn(victim, 'envoy').find((pid) => pid !== envoy))
  await becomes(scanner, 'refused', 'with Envoy back')
  t.equal(await older.says('still'), 'still')

  const newer = await stay(client, victim, 'newer')
  t.equal(await newer.says('through the proxy'), 'through the proxy')
  end(agent, 'SIGTERM')
  t.equal(await newer.says('while it ends'), 'while it ends', 'a connection through a proxy that was told to end')
  newer.end()
  t.equal((await agent.done).code, 0, 'it ends when nobody is connected through it')
  t.equal(await victim.must('nft list ruleset'), '')
  t.equal(await visit(client, victim), 'served')

  const second = startAgent()
  await second.saying('connections are redirected', 30_000)
  await becomes(scanner, 'refused', 'with another agent')
  end(second, 'SIGKILL')
  await second.done
  await until('nothing is left of the redirect', async () => await victim.must('nft list ruleset') === '' ? true : undefined)
  t.equal(await visit(client, victim), 'served', 'after the agent was killed')
  t.equal(await visit(scanner, victim), 'served', 'and restrictions hold no more')
  t.same(processesIn(victim, 'envoy'), [], 'Envoy ended with its keeper')
  t.equal(await older.says('at last'), 'at last')
  older.end()
})
