import type { Socket } from 'node:net'
import t from 'tap'
import { until } from '../../xds/real-envoy.ts'
import type { PodSockets } from '../../lab/pod-sockets.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(180_000)

const [ONE, HTTP, CLOSED] = [8080, 8081, 9000]

/** The end of a connection, however it comes. */
const ended = (socket: Socket): Promise<string> => new Promise((resolve) => { socket.once('close', () => resolve('closed')) })

const says = (socket: Socket, word: string): Promise<string> => {
  socket.write(word)
  return Promise.race([ended(socket), new Promise<string>((resolve) => { socket.once('data', (bytes) => resolve(String(bytes))) })])
}

/** What comes of a word on a new connection; one may be reset before it is there. */
const saysAnew = async (from: PodSockets, address: string, port: number, word: string): Promise<string> =>
  from.connect(address, port).then(async (socket) => says(socket, word), (error: unknown) => {
    if (!String(error).includes('ECONNRESET')) throw error
    return 'closed'
  })

t.test('of a denied scanner no byte reaches an application, and after its time all is as before', { skip: skipShielded(['nmap']) }, async (t) => {
  const { victim, scanner, sockets, hold, fleet, restriction, configuration } = await shieldedPod(t, { httpPorts: [HTTP] })
  /** What each connection that an application accepted has said. */
  const heard: { text: string }[] = []
  for (const port of [ONE, HTTP]) {
    const server = await sockets.victim.listen(port)
    server.on('connection', (socket: Socket) => {
      const connection = { text: '' }
      heard.push(connection)
      socket.on('error', () => undefined).on('data', (bytes) => {
        connection.text += String(bytes)
        socket.write('heard')
      })
    })
  }

  const before = await configuration()
  const [held, friend] = [await sockets.scanner.connect(victim.address, ONE), await sockets.client.connect(victim.address, ONE)]
  t.equal(await says(held, 'probe'), 'heard')
  t.equal(await says(friend, 'friend'), 'heard')

  const denial = restriction('scanner', [scanner.address])
  const cut = ended(held)
  await hold(denial)
  await cut
  await until('new connections are refused', async () => await saysAnew(sockets.scanner, victim.address, ONE, 'probe') === 'closed' || undefined)
  t.notSame(await configuration(), before)
  const accepted = heard.length
  for (const scan of ['-sT', '-sS']) {
    const { stdout } = await scanner.run(`nmap -n -Pn ${scan} --max-retries 1 -p ${ONE},${HTTP},${CLOSED}-${CLOSED + 20} ${victim.address}`, { timeoutMs: 60_000 })
    t.match(stdout, /Nmap done: 1 IP address \(1 host up\)/, `the scan ${scan} was made`)
  }
  for (const port of [ONE, HTTP, CLOSED]) {
    t.not(await saysAnew(sockets.scanner, victim.address, port, 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n'), 'heard', `port ${port}`)
  }
  t.equal(heard.length, accepted, 'no application has accepted a connection')
  t.equal(await says(friend, 'friend'), 'heard', 'another source goes on')
  const newcomer = await sockets.client.connect(victim.address, ONE)
  t.equal(await says(newcomer, 'newcomer'), 'heard')
  t.equal(heard.length, accepted + 1)
  t.same(heard.slice(accepted), [{ text: 'newcomer' }])
  t.equal(heard.filter(({ text }) => text.includes('GET')).length, 0)

  fleet.apply([{ ...denial, spec: { ...denial.spec, expiresAt: new Date(Date.now() + 500).toISOString() } }])
  await until('it is served after its time', async () => await saysAnew(sockets.scanner, victim.address, ONE, 'again') === 'heard' || undefined)
  t.strictSame(await configuration(), before, 'listeners, clusters and routes are those of before')
  t.equal(await says(friend, 'friend'), 'heard', 'on the connection that it had all the while')
})
