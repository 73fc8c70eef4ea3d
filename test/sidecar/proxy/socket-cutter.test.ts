import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { missingForLab } from '../../lab/lab.ts'
import type { Pod } from '../../lab/pod.ts'
import { skipWithout } from '../../setup/tools.ts'
import { SocketCutter } from '../../../sidecar/proxy/socket-cutter.ts'
import type { Answer } from '../../../sidecar/proxy/envoy-admin.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { envoyTool, until } from '../../xds/real-envoy.ts'
import { podWithProxy } from './pod-with-proxy.ts'

const skip = skipWithout([...missingForLab(['socat', 'nft', 'stdbuf', 'ss']), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])
t.setTimeout(120_000)

const ECHO = 8082

async function echo (pod: Pod): Promise<void> {
  pod.spawn(`socat TCP-LISTEN:${ECHO},fork,reuseaddr EXEC:cat`, { timeoutMs: 120_000 })
  await pod.listening(ECHO)
}

/** A connection to the echo of another pod that stays open. */
async function stay (from: Pod, to: Pod, name = 'stay') {
  const way = join(from.folder, `${name}-${to.address}.sock`)
  from.spawn(`socat UNIX-LISTEN:${way} TCP:${to.address}:${ECHO}`, { timeoutMs: 120_000 })
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

t.test('a denied source loses the connections that it had open, also past the proxy, and nobody else does', { skip }, async (t) => {
  const { victim, scanner, client, fleet, serveXds, startAgent } = await podWithProxy(t)
  await echo(victim)
  const older = await stay(scanner, victim, 'older')
  t.equal(await older.says('before any proxy'), 'before any proxy')
  await serveXds()
  const agent = startAgent()
  await agent.saying('connections are redirected', 30_000)
  const [taker, friend] = [await stay(scanner, victim), await stay(client, victim)]
  t.equal(await taker.says('secrets'), 'secrets')
  t.equal(await friend.says('mine'), 'mine')
  fleet.apply([mitigationOf('scanner', { subject: { uid: 'scanner', addresses: [scanner.address] }, victims: [{ uid: 'uid-of-cart-0', addresses: [victim.address] }] })])
  await Promise.all([taker.closed, older.closed])
  t.match(fleet.statuses(), [{ openConnections: { scanner: [{ means: 'sockets' }] } }], 'and the status says how')
  t.equal(await friend.says('still'), 'still')
  t.notMatch(agent.stderr, 'not cut')
  process.kill(agent.pid ?? 0, 'SIGKILL')
  await agent.done
})

t.test('of a denied destination the pod loses what it opened, and keeps what came from there', { skip }, async (t) => {
  const { victim, scanner, client, fleet, serveXds, startAgent } = await podWithProxy(t)
  await Promise.all([echo(victim), echo(client)])
  await serveXds()
  const agent = startAgent()
  await agent.saying('connections are redirected', 30_000)
  const [sent, received, other] = [await stay(victim, client), await stay(client, victim), await stay(scanner, victim)]
  t.equal(await sent.says('secrets'), 'secrets')
  t.equal(await received.says('request'), 'request')
  t.equal(await other.says('else'), 'else')
  const leak = mitigationOf('leak', { subject: { uid: 'uid-of-cart-0', addresses: [victim.address] }, victims: [{ uid: 'client', addresses: [client.address] }], direction: 'egress' })
  fleet.apply([leak])
  await sent.closed
  t.match(fleet.statuses(), [{ openConnections: { leak: [{ means: 'sockets' }] } }])
  // What is cut after it shows that the first cut is over.
  fleet.apply([leak, mitigationOf('scanner', { subject: { uid: 'scanner', addresses: [scanner.address] }, victims: [{ uid: 'uid-of-cart-0', addresses: [victim.address] }] })])
  await other.closed
  t.equal(await received.says('still'), 'still')
  t.notMatch(agent.stderr, 'not cut')
  process.kill(agent.pid ?? 0, 'SIGKILL')
  await agent.done
})

t.test('a proxy that does not tell whom it denies is told of, and asked again', async (t) => {
  const answers: Answer[] = [{ ok: false, why: 'Envoy\'s answer is longer than 1 character' }, { ok: true, text: '[]' }, { ok: true, text: '{}' }]
  const told: string[] = []
  const over = new AbortController()
  const admin = {
    listenersVersion: async () => '1',
    listeners: async (): Promise<Answer> => {
      const answer = answers.shift() ?? { ok: false, why: 'asked once too often' }
      if (answers.length === 0) over.abort()
      return answer
    },
  }
  await new SocketCutter({ admin, inboundPort: 15_006, onTrouble: (words) => told.push(words) }).run(over.signal)
  t.strictSame(told, [
    'Envoy does not tell whom it denies (Envoy\'s answer is longer than 1 character).',
    'Envoy does not tell whom it denies (its answer is no dump of listeners).',
  ])
})
