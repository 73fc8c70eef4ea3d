import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Pod } from '../../lab/pod.ts'
import { PodSockets } from '../../lab/pod-sockets.ts'
import { until } from '../../xds/real-envoy.ts'
import { podWithProxy } from './pod-with-proxy.ts'
import { podHttpClient, shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(240_000)

const [HTTP, TCP, ECHO, CLOSED] = [8080, 8081, 8082, 9000]
/** Nobody has it. */
const ELSEWHERE = '10.99.9.9'
const ADDRESSES = { victim: 'fd67::1', scanner: 'fd67::2', client: 'fd67::3' }
const KEPT = 'applications see their clients\' addresses'

/** Applications of a pod that say whom they talk to, by requests and by bytes, the latter as soon as somebody is there. */
async function tellers (t: Test, sockets: PodSockets): Promise<void> {
  const server = createServer((call, answer) => answer.end(addressOf(call.socket))).listen(await sockets.listen(HTTP, '::'))
  const teller = await sockets.listen(TCP, '::')
  teller.on('connection', (socket: Socket) => { socket.on('error', () => undefined).write(`${addressOf(socket)}\n`) })
  t.teardown(() => server.closeAllConnections())
}

const addressOf = ({ remoteAddress = '' }: Socket): string => remoteAddress.replace(/^::ffff:/, '')

async function toldOverHttp (sockets: PodSockets, host: string): Promise<string> {
  using client = podHttpClient(sockets, host, HTTP)
  return (await client.ask())?.body ?? ''
}

async function told (sockets: PodSockets, host: string): Promise<string> {
  const socket = await sockets.connect(host, TCP)
  const word = await Promise.race([once(socket, 'data').then(([bytes]) => String(bytes).trim()), once(socket, 'close').then(() => 'nothing')])
  socket.destroy()
  return word
}

/** What is left of the ways back for answers. */
const rules = async (pod: Pod): Promise<string[]> => (await pod.must('ip -4 rule; ip -6 rule')).split('\n').filter((line) => line.includes('fwmark'))

t.test('an application sees its clients\' own addresses, over both families, in requests and in bytes', { skip: skipShielded() }, async (t) => {
  const { lab, victim, scanner, client, sockets, agent, stat } = await shieldedPod(t, { alsoAt: { victim: [ADDRESSES.victim], scanner: [ADDRESSES.scanner], client: [ADDRESSES.client] }, httpPorts: [HTTP] })
  t.match(agent.stderr, KEPT)
  await tellers(t, sockets.victim)
  const passed = await stat('listener.inbound.downstream_cx_total')
  for (const [pod, name] of [[client, 'client'], [scanner, 'scanner']] as const) {
    for (const [at, host] of [victim.address, ADDRESSES.victim].entries()) {
      t.equal(await toldOverHttp(sockets[name], host), pod.addresses[at], `${name} over HTTP`)
      t.equal(await told(sockets[name], host), pod.addresses[at], `${name} over bytes`)
    }
  }
  await until('each has passed Envoy', async () => await stat('listener.inbound.downstream_cx_total') === passed + 8 || undefined)
  t.equal(await told(sockets.victim, victim.address), victim.address, 'the pod itself, past the proxy')
  const closed = await sockets.client.connect(victim.address, CLOSED)
  await once(closed, 'close')
  t.pass('where nobody listens, the connection ends')

  const before = await stat('listener.inbound.downstream_cx_total')
  await lab.gateway.must(`ip route add ${ELSEWHERE} via ${victim.address} 2> /dev/null || ip route add ${ELSEWHERE} dev $(ip -o route get ${victim.address} | sed 's/.* dev \\([^ ]*\\).*/\\1/') via ${victim.address} onlink`)
  await scanner.run(`socat -u TCP:${ELSEWHERE}:${TCP},connect-timeout=1 -`, { timeoutMs: 5_000 })
  t.equal(await stat('listener.inbound.downstream_cx_total'), before, 'what is sent to the pod, and addressed to another, does not come to Envoy')
})

t.test('a proxy\'s connection may have the very ports of its client\'s', { skip: skipShielded() }, async (t) => {
  const { victim, scanner, client, sockets } = await shieldedPod(t, { httpPorts: [HTTP] })
  await tellers(t, sockets.victim)
  await victim.must('sysctl -qw net.ipv4.ip_local_port_range="40000 40000"')
  const asks = async (pod: Pod): Promise<string> => (await pod.run(`socat -u -T 3 TCP:${victim.address}:${TCP},sourceport=40000,reuseaddr -`, { timeoutMs: 10_000 })).stdout.trim()
  t.strictSame(await Promise.all([client, scanner].map(asks)), [client.address, scanner.address], 'two clients at once from one port')
  await victim.must('sysctl -qw net.ipv4.ip_local_port_range="40001 40001"')
  const held = await sockets.client.connect(victim.address, TCP)
  t.equal(String((await once(held, 'data'))[0]).trim(), client.address)
  t.equal(await toldOverHttp(sockets.client, victim.address), client.address, 'each of the pod\'s ports has all of them')
})

t.test('no connection of a proxy ends an older one from the same address and port, silent or not', { skip: skipShielded() }, async (t) => {
  const { victim, client, serveXds, startAgent } = await podWithProxy(t)
  const sockets = { victim: new PodSockets(victim), client: new PodSockets(client) }
  for (const each of Object.values(sockets)) t.teardown(() => each[Symbol.asyncDispose]())
  await tellers(t, sockets.victim)
  victim.spawn(`socat TCP-LISTEN:${ECHO},fork,reuseaddr EXEC:cat`, { timeoutMs: 120_000 })
  await victim.listening(ECHO)
  const older = await Promise.all([40_000, 40_001].map((port) => stay(client, victim, port)))
  await serveXds()
  const agent = startAgent()
  await agent.saying(KEPT, 60_000)
  t.equal(await older[1]?.('before'), 'before')
  for (const [at, port] of [40_000, 40_001].entries()) {
    await victim.must(`sysctl -qw net.ipv4.ip_local_port_range="${port} ${port}"`)
    const newer = await sockets.client.connect(victim.address, ECHO)
    newer.write('new')
    t.equal(String((await once(newer, 'data'))[0]), 'new', `from ${port}`)
    t.equal(await older[at]?.('still'), 'still', at === 0 ? 'one that had been silent' : 'one that had spoken')
    newer.destroy()
  }
  process.kill(agent.pid ?? 0, 'SIGKILL')
  await agent.done
})

/** A connection to the echo of another pod that stays open, and what comes back of a word. */
async function stay (from: Pod, to: Pod, port: number): Promise<(word: string) => Promise<string>> {
  const way = join(from.folder, `from-${port}.sock`)
  from.spawn(`socat UNIX-LISTEN:${way} TCP:${to.address}:${ECHO},sourceport=${port},reuseaddr`, { timeoutMs: 120_000 })
  const socket = await until('the way in is there', () => new Promise<Socket | undefined>((resolve) => {
    const socket = connect(way, () => resolve(socket)).on('error', () => resolve(undefined))
  }))
  await until('the connection is there', async () => (await from.must(`ss -Htn state established sport = :${port}`)).trim() !== '' || undefined)
  return async (word) => {
    socket.write(word)
    return String((await Promise.race([once(socket, 'data'), once(socket, 'close')]))[0])
  }
}

t.test('whatever ends, nobody is cut off, and what is left is found again', { skip: skipShielded() }, async (t) => {
  const { victim, client, sockets, agent, killEnvoy, said, startAgent } = await shieldedPod(t)
  await tellers(t, sockets.victim)
  const served = (when: string): Promise<true> => until(`the client is served ${when}`, async () => await told(sockets.client, victim.address).catch(() => '') === client.address || undefined)
  t.equal((await rules(victim)).length, 1)

  const held = await sockets.client.connect(victim.address, TCP)
  await once(held, 'data')
  const cut = once(held, 'close')
  killEnvoy()
  await cut
  await served('while Envoy is dead')
  await said('connections are redirected', 2)
  t.equal(await told(sockets.client, victim.address), client.address, 'with Envoy back')

  process.kill(agent.pid ?? 0, 'SIGKILL')
  await agent.done
  await served('after its keeper was killed, who took Envoy along')
  await until('nothing is left of the redirect', async () => await victim.must('nft list ruleset') === '' || undefined)
  t.equal(await told(sockets.client, victim.address), client.address)
  t.equal((await rules(victim)).length, 1, 'a rule is left, and does nothing')

  const second = startAgent()
  await second.saying(KEPT, 60_000)
  t.equal((await rules(victim)).length, 1, 'the next one uses it')
  t.equal(await told(sockets.client, victim.address), client.address)
  killEnvoy()
  process.kill(second.pid ?? 0, 'SIGKILL')
  await second.done
  await served('after both were killed at once')

  const third = startAgent()
  await third.saying(KEPT, 60_000)
  process.kill(third.pid ?? 0, 'SIGTERM')
  t.equal((await third.done).code, 0)
  t.equal(await told(sockets.client, victim.address), client.address)
  t.strictSame(await rules(victim), [], 'one that ends in good order leaves nothing')
})

t.test('without the capability for it the pod is served from its own address, and the log says so', { skip: skipShielded() }, async (t) => {
  const { victim, sockets, agent, killEnvoy, said } = await shieldedPod(t, { withoutNetRaw: true })
  t.match(agent.stderr, 'applications see the pod\'s own address as their clients\': the proxy\'s container has no capability NET_RAW')
  await tellers(t, sockets.victim)
  t.equal(await told(sockets.client, victim.address), victim.address)
  t.strictSame(await rules(victim), [])
  killEnvoy()
  await said('connections are redirected', 2)
  t.equal(await told(sockets.client, victim.address), victim.address)
})
