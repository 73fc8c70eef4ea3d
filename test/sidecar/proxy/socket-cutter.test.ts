import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { missingForLab } from '../../lab/lab.ts'
import type { Pod } from '../../lab/pod.ts'
import { skipWithout } from '../../setup/tools.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { envoyTool, until } from '../../xds/real-envoy.ts'
import { podWithProxy } from './pod-with-proxy.ts'

const skip = skipWithout([...missingForLab(['socat', 'nft', 'stdbuf', 'ss']), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])
t.setTimeout(120_000)

/** A connection to the echo of another pod that stays open. */
async function stay (from: Pod, to: Pod) {
  const way = join(from.folder, 'stay.sock')
  from.spawn(`socat UNIX-LISTEN:${way} TCP:${to.address}:8082`, { timeoutMs: 120_000 })
  const socket = await until('the way in is there', () => new Promise<ReturnType<typeof connect> | undefined>((resolve) => {
    const socket = connect(way, () => resolve(socket)).on('error', () => resolve(undefined))
  }))
  socket.on('error', () => undefined) // its close is what counts
  const closed = once(socket, 'close')
  return {
    says: async (word: string): Promise<string> => {
      socket.write(word)
      const [text] = await Promise.race([once(socket, 'data'), closed]) as [unknown]
      return String(text)
    },
    closed,
  }
}

t.test('a denied source loses the connection that it had open through the proxy, and nobody else does', { skip }, async (t) => {
  const { victim, scanner, client, fleet, serveXds, startAgent } = await podWithProxy(t)
  victim.spawn('socat TCP-LISTEN:8082,fork,reuseaddr EXEC:cat', { timeoutMs: 120_000 })
  await victim.listening(8082)
  await serveXds()
  const agent = startAgent()
  await agent.saying('connections are redirected', 30_000)
  const [taker, friend] = [await stay(scanner, victim), await stay(client, victim)]
  t.equal(await taker.says('secrets'), 'secrets')
  t.equal(await friend.says('mine'), 'mine')
  fleet.apply([mitigationOf('scanner', { subject: { uid: 'scanner', addresses: [scanner.address] }, victims: [{ uid: 'uid-of-cart-0', addresses: [victim.address] }] })])
  await taker.closed
  t.equal(await friend.says('still'), 'still')
  t.notMatch(agent.stderr, 'not cut')
  process.kill(agent.pid ?? 0, 'SIGKILL')
  await agent.done
})
