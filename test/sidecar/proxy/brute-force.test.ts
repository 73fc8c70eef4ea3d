import { createServer } from 'node:http'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { until } from '../../xds/real-envoy.ts'
import { podHttpClient, shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(180_000)

const FRIENDS = Array.from({ length: 200 }, (_, at) => `10.67.1.${at + 1}`)
const PORT = 8080
const RATE = 2
const BURST = 2

t.test('guessing by hydra is held to its budget, while two hundred clients keep their rate and their connections', { skip: skipShielded(['hydra']) }, async (t) => {
  const { victim, scanner, sockets, hold, restriction, stat } = await shieldedPod(t, { httpPorts: [PORT], alsoAt: { client: FRIENDS } })
  const application = { guesses: 0 }
  const server = createServer((call, answer) => {
    if (call.url === '/login') application.guesses++
    call.resume().on('end', () => answer.end('Login incorrect'))
  }).listen(await sockets.victim.listen(PORT))
  t.teardown(() => server.closeAllConnections())

  const friends = FRIENDS.map((from) => podHttpClient(sockets.client, victim.address, PORT, from))
  t.teardown(() => { for (const friend of friends) friend[Symbol.dispose]() })
  t.same(new Set(await Promise.all(friends.map(async (friend) => (await friend.ask('/page'))?.status))), new Set([200]), 'they are there before')

  const over = new AbortController()
  // Each asks once a second, whether or not it was answered.
  const paced = friends.map(async (friend, at) => {
    const statuses = []
    await setTimeout(at * 5)
    while (!over.signal.aborted) {
      statuses.push(friend.ask('/page').then((answer) => answer?.status ?? null))
      await setTimeout(1000)
    }
    return await Promise.all(statuses)
  })

  const words = join(scanner.folder, 'words')
  await writeFile(words, Array.from({ length: 50_000 }, (_, at) => `guess${at}`).join('\n'))
  const hydra = scanner.spawn(`hydra -I -t 8 -l alice -P ${words} -s ${PORT} ${victim.address} http-post-form '/login:user=^USER^&pass=^PASS^:S=Welcome'`, { timeoutMs: 90_000 })
  await until('it guesses without a limit', () => application.guesses > 100 || undefined, 60_000)

  await hold(restriction('guesser', [scanner.address], { action: 'limit', limit: { value: RATE, unit: 'requests/s', burst: BURST }, ports: [PORT] }))
  const refused = () => stat(`source_${scanner.address.replaceAll('.', '_')}_port_${PORT}.http_local_rate_limit.enforced`)
  await until('new connections are limited', async () => await refused() > 50 || undefined, 60_000)
  const [begin, before] = [performance.now(), application.guesses]
  const refusedBefore = await refused()
  await until('many guesses are refused', async () => await refused() > refusedBefore + 100 || undefined, 60_000)
  const [seconds, guesses] = [(performance.now() - begin) / 1000, application.guesses - before]
  t.ok(guesses <= BURST + RATE * seconds, `${guesses} guesses reached the application in ${seconds} s`)
  t.equal((await hydra.stop()).stdout.includes('login: alice'), false, 'it has found nothing')

  const guesser = podHttpClient(sockets.scanner, victim.address, PORT)
  t.teardown(() => guesser[Symbol.dispose]())
  await until('beyond the rate it is answered 429', async () => (await guesser.ask('/login'))?.status === 429 || undefined)

  over.abort()
  const statuses = await Promise.all(paced)
  t.same(new Set(statuses.flat()), new Set([200]), `${statuses.flat().length} requests of others are answered`)
  t.same(new Set(friends.map(({ connections }) => connections())), new Set([1]), 'each on the connection that it had before')
})
