import type { Socket } from 'node:net'
import t from 'tap'
import type { PodSockets } from '../../lab/pod-sockets.ts'
import { until } from '../../xds/real-envoy.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(180_000)

const PORT = 8080
/** Of the victim and of two others, over each family. */
const ADDRESSES = { victim: 'fd67::1', scanner: 'fd67::2', client: 'fd67::3' }

/** An application that greets and counts who is let in. */
async function greeter (sockets: PodSockets) {
  const seen = { connections: 0 }
  const server = await sockets.listen(PORT, '::')
  server.on('connection', (socket: Socket) => {
    seen.connections++
    socket.on('error', () => undefined).end('220 ready')
  })
  return seen
}

async function visit (sockets: PodSockets, host: string, from?: string): Promise<'served' | 'refused'> {
  const socket = await sockets.connect(host, PORT, from)
  return await new Promise((resolve) => { socket.once('data', () => resolve('served')).once('close', () => resolve('refused')) })
}

const becomes = (wanted: 'served' | 'refused', sockets: PodSockets, host: string): Promise<true> =>
  until(`${host} is ${wanted}`, async () => await visit(sockets, host) === wanted || undefined)

/** One in a hundred seconds: what is let through in a test is the burst, however slow the machine. */
const limit = { value: 0.01, unit: 'connections/s', burst: 3 } as const

t.test('IPv6 and IPv4 of one source are denied and limited alike, and other sources of both are not', { skip: skipShielded() }, async (t) => {
  const { victim, sockets, scanner, hold, restriction } = await shieldedPod(t, { alsoAt: { victim: [ADDRESSES.victim], scanner: [ADDRESSES.scanner], client: [ADDRESSES.client] } })
  const application = await greeter(sockets.victim)
  const hosts = [victim.address, ADDRESSES.victim]
  for (const host of hosts) for (const source of [sockets.scanner, sockets.client]) t.equal(await visit(source, host), 'served', `${host} before`)

  await hold(restriction('deny', [...scanner.addresses]))
  for (const host of hosts) await becomes('refused', sockets.scanner, host)
  const before = application.connections
  for (const host of hosts) t.equal(await visit(sockets.scanner, host), 'refused', `${host} is denied`)
  t.equal(application.connections, before)
  for (const host of hosts) t.equal(await visit(sockets.client, host), 'served', `${host} for another source`)

  await hold(restriction('limit', [...scanner.addresses], { action: 'limit', limit }))
  for (const host of hosts) {
    await becomes('served', sockets.scanner, host) // the first of its burst
    const answers = []
    for (let asked = 0; asked < 10; asked++) answers.push(await visit(sockets.scanner, host))
    t.equal(answers.filter((answer) => answer === 'served').length, limit.burst - 1, `${host} has its burst and no more`)
    t.equal(await visit(sockets.client, host), 'served')
  }
})

t.test('what a pod opens is denied and limited at its own proxy, by destination, over both families', { skip: skipShielded() }, async (t) => {
  const { victim, sockets, scanner, client, hold, restriction } = await shieldedPod(t, { alsoAt: { victim: [ADDRESSES.victim], scanner: [ADDRESSES.scanner], client: [ADDRESSES.client] } })
  const [reached] = [await greeter(sockets.scanner), await greeter(sockets.client)]
  const hosts = scanner.addresses
  const others = client.addresses
  for (const host of [...hosts, ...others]) t.equal(await visit(sockets.victim, host), 'served', `${host} before`)
  const leak = { subject: { uid: 'uid-of-cart-0', addresses: [...victim.addresses] }, victims: [{ uid: 'scanner', addresses: [...hosts] }], direction: 'egress' as const }

  await hold(restriction('leak', [], leak))
  for (const host of hosts) await becomes('refused', sockets.victim, host)
  const before = reached.connections
  for (const host of hosts) t.equal(await visit(sockets.victim, host), 'refused', `${host} is denied`)
  t.equal(reached.connections, before, 'nothing reached it')
  for (const host of others) t.equal(await visit(sockets.victim, host), 'served', `${host} is another destination`)

  await hold(restriction('leak', [], { ...leak, action: 'limit', limit }))
  for (const host of hosts) {
    await becomes('served', sockets.victim, host)
    const answers = []
    for (let asked = 0; asked < 10; asked++) answers.push(await visit(sockets.victim, host))
    t.equal(answers.filter((answer) => answer === 'served').length, limit.burst - 1, `${host} has its burst and no more`)
  }
  for (const host of others) t.equal(await visit(sockets.victim, host), 'served')
})
