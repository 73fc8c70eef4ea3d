import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { over } from '../../lab/pod-sockets.ts'
import { until } from '../../xds/real-envoy.ts'
import { podHttpClient, shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(240_000)

const [HTTP, TCP] = [8080, 8081]
/** Nothing is refilled while a test runs: what is let through is the burst alone, a second's worth unless a policy says otherwise. */
const BURST = 3
const slow = (unit: 'requests/s' | 'connections/s') => ({ action: 'limit', limit: { value: 0.001, unit, burst: BURST } }) as const

/** The victim's applications, and who asks them: over HTTP and over bytes, each time on a connection of its own. */
async function limitedPod (t: Test) {
  const pods = await shieldedPod(t, { httpPorts: [HTTP] })
  const { victim, sockets, scanner, hold, restriction } = pods
  const server = createServer((_call, answer) => answer.end('page')).listen(await sockets.victim.listen(HTTP))
  t.teardown(() => server.closeAllConnections())
  const greeter = await sockets.victim.listen(TCP)
  greeter.on('connection', (socket: Socket) => { socket.on('error', () => undefined).write('220 ready') })

  const ask = async (from: 'scanner' | 'client'): Promise<boolean> => {
    using once = podHttpClient(sockets[from], victim.address, HTTP)
    return (await once.ask())?.status === 200
  }
  const visit = async (from: 'scanner' | 'client'): Promise<boolean> => {
    const socket = await sockets[from].connect(victim.address, TCP)
    const served = await Promise.race([new Promise<boolean>((resolve) => { socket.once('data', () => resolve(true)) }), over(socket).then(() => false)])
    socket.destroy()
    return served
  }
  const ways = { 'requests/s': ask, 'connections/s': visit }
  const limits = [restriction('guesser', [scanner.address], { ...slow('requests/s'), ports: [HTTP] }), restriction('opener', [scanner.address], { ...slow('connections/s'), ports: [TCP] })]
  await hold(...limits)
  return {
    ...pods,
    limits,
    ways: Object.entries(ways),
    exhausted: async (): Promise<void> => {
      for (const [unit, attempt] of Object.entries(ways)) await until(`${unit} are refused`, async () => !await attempt('scanner') || undefined)
    },
  }
}

/** How many of twenty attempts, one after the other, are served. */
async function served (attempt: (from: 'scanner') => Promise<boolean>): Promise<number> {
  let count = 0
  for (let at = 0; at < 20; at++) if (await attempt('scanner')) count++
  return count
}

t.test('a killed Envoy cuts nobody off, and when it is back a limited source has one burst and no more', { skip: skipShielded() }, async (t) => {
  const { victim, sockets, said, xds, serveXds, killEnvoy, ways, exhausted } = await limitedPod(t)
  await exhausted()
  const friend = await sockets.client.connect(victim.address, TCP)
  t.equal(String((await once(friend, 'data'))[0]), '220 ready')

  const cut = over(friend)
  killEnvoy()
  await said('connections are redirected', 2)
  await cut // what went through it ends with it
  for (const [unit, attempt] of ways) {
    t.equal(await served(attempt), BURST, `${unit}: a new Envoy's bucket is full`)
    t.equal(await attempt('client'), true, 'others are served')
  }

  await xds.stop()
  killEnvoy()
  await said('Envoy has ended by SIGKILL; connections reach the pod directly', 2)
  for (const [unit, attempt] of ways) {
    await until(`${unit}: others are served while no Envoy has a configuration`, async () => await attempt('client').catch(() => false) || undefined) // refused until the redirect is gone
    t.equal(await served(attempt), 20, `${unit}: no limit holds`)
  }
  await serveXds()
  await said('connections are redirected', 3)
  for (const [unit, attempt] of ways) t.equal(await served(attempt), BURST, `${unit}: until it is back`)
})

t.test('what a denied source opened while Envoy was away is cut when it is back, and nobody else\'s', { skip: skipShielded() }, async (t) => {
  const { victim, sockets, scanner, hold, restriction, said, xds, serveXds, killEnvoy } = await shieldedPod(t)
  const server = await sockets.victim.listen(TCP)
  server.on('connection', (socket: Socket) => { socket.on('error', () => undefined).pipe(socket) })
  const says = async (socket: Socket, word: string): Promise<string> => {
    socket.write(word)
    return await Promise.race([new Promise<string>((resolve) => { socket.once('data', (bytes) => resolve(String(bytes))) }), over(socket).then(() => '')])
  }
  const open = (from: 'scanner' | 'client'): Promise<Socket> => until(`${from} reaches the pod directly`, async () => {
    const socket = await sockets[from].connect(victim.address, TCP).catch(() => null) // refused until the redirect is gone
    return socket !== null && await says(socket, 'hello') === 'hello' ? socket : undefined
  })
  await hold(restriction('denial', [scanner.address]))
  await xds.stop()
  killEnvoy()
  const [taker, friend] = [await open('scanner'), await open('client')]
  const cut = over(taker)
  await serveXds()
  await said('connections are redirected', 2)
  await cut
  t.equal(await says(friend, 'still'), 'still')
})

t.test('no push of something else fills a bucket that is exhausted', { skip: skipShielded() }, async (t) => {
  const { hold, restriction, limits, ways, exhausted } = await limitedPod(t)
  await exhausted()
  const none = async (what: string): Promise<void> => { for (const [unit, attempt] of ways) t.equal(await served(attempt), 0, `${unit} after ${what}`) }
  const other = restriction('other', ['10.67.9.1'])
  await hold(...limits, other)
  await none('another source is denied')
  await hold(...limits)
  await none('that is undone')
  const many = Array.from({ length: 300 }, (_, at) => restriction(`source-${at}`, [`10.68.${at >> 8}.${at & 255}`], { ...slow('connections/s'), ports: [TCP] }))
  await hold(...limits, ...many)
  await none('hundreds of sources are limited')
  await hold(...limits)
  await none('they are gone')
})
