import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import type { Means } from '../../../src/core/mitigation/open-connections.ts'
import { over, type PodSockets } from '../../lab/pod-sockets.ts'
import { bornAt } from '../../xds/mitigation-of.ts'
import { until } from '../../xds/real-envoy.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(240_000)

/** Of the application, and of the proxy where it has one of its own for it. */
const [PORT, EXPLICIT] = [8080, 18_080]
/** The aim is one second; a busy machine is not what is tested. */
const GENEROUS_MS = 5_000
const MUCH = 4_000_000
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n')

/** An application that gives what it has to whoever asks, 10 MB a second: an answer of HTTP without an end. */
async function store (sockets: PodSockets): Promise<void> {
  const data = Buffer.alloc(50_000, 'secret')
  const server = await sockets.listen(PORT)
  server.on('connection', (socket: Socket) => {
    let timer: NodeJS.Timeout | undefined
    socket.on('error', () => undefined).on('close', () => clearInterval(timer)).once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      timer = setInterval(() => { if (!socket.writableNeedDrain) socket.write(data) }, 5)
    })
  })
}

/** One open connection that takes all it can get. */
async function pull (sockets: PodSockets, host: string, port: number) {
  const socket = await sockets.connect(host, port)
  let bytes = 0
  /** The newest bytes: the end may come in parts. */
  let end = Buffer.alloc(0)
  const finished = Promise.withResolvers<number>()
  const closed = Promise.race([over(socket), finished.promise])
  socket.on('data', (data: Buffer) => {
    bytes += data.length
    end = Buffer.concat([end, data.subarray(-LAST_CHUNK.length)]).subarray(-LAST_CHUNK.length)
    if (end.equals(LAST_CHUNK)) finished.resolve(performance.now())
  }).write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
  return {
    socket,
    bytes: () => bytes,
    /** When it was, or when its answer had an end all the same: Envoy takes the end of the application's connection for that. */
    closed,
    /** Resolves when as much has come as was certainly not on its way. */
    more: async (): Promise<void> => {
      const goal = bytes + MUCH
      await until(`more than ${bytes} bytes come`, () => bytes > goal || undefined)
    },
  }
}

/** What of the profile and of what was there before the denial decides how an open connection is met; `hidden`: applications see the pod's own address as their clients'. */
const CASES: readonly { readonly what: string, readonly explicit?: true, readonly hidden?: true, readonly http?: true, readonly ports: Mitigation['spec']['ports'], readonly watched?: true, readonly means: Means, readonly goesOn?: true }[] = [
  { what: 'its keeper may destroy sockets', ports: 'any', means: 'sockets' },
  { what: 'its keeper may, and applications do not see their clients', hidden: true, ports: 'any', means: 'sockets' },
  { what: 'a single port is denied', ports: [PORT], means: 'sockets' },
  { what: 'a single port is denied to a suspect that was watched', hidden: true, ports: [PORT], watched: true, means: 'chain' },
  { what: 'a single port is denied to one that was not', hidden: true, ports: [PORT], means: 'none', goesOn: true },
  { what: 'requests are seen, and one was being answered', http: true, ports: [PORT], means: 'route' },
  { what: 'requests are seen, and one was being answered to a client that the application does not see', http: true, hidden: true, ports: [PORT], means: 'route', goesOn: true },
  { what: 'without a redirect, a suspect was watched', explicit: true, ports: 'any', watched: true, means: 'chain' },
  { what: 'without a redirect, it was not', explicit: true, ports: 'any', means: 'none', goesOn: true },
]

for (const { what, explicit = false, hidden = false, http = false, ports, watched = false, means, goesOn = false } of CASES) {
  t.test(`exfiltration over an open connection ${goesOn ? 'goes on' : 'is cut'} (${means}): ${what}`, { skip: skipShielded() }, async (t) => {
    const { victim, scanner, sockets, fleet, admin, hold, restriction, configuration } = await shieldedPod(t, { withoutNetRaw: hidden, ...http && { httpPorts: [PORT] }, ...explicit && { explicitPorts: [{ listen: EXPLICIT, application: PORT }] } })
    await store(sockets.victim)
    const port = explicit ? EXPLICIT : PORT
    const from = (who: 'scanner' | 'client') => pull(sockets[who], victim.address, port)
    const before = await configuration()
    const watch = watched ? [bornAt(1, restriction('watch', [scanner.address], { action: 'watch', ports }))] : []
    await hold(...watch)
    if (watched) {
      await until('the suspect comes by its own chain', async () => {
        const visit = await from('scanner')
        visit.socket.destroy()
        return new RegExp(`^tcp\\.source_${scanner.address.replaceAll('.', '_')}\\S*downstream_cx_total: [1-9]`, 'm').test(await admin('/stats')) || undefined
      })
    }
    const [taker, friend] = [await from('scanner'), await from('client')]
    await Promise.all([taker.more(), friend.more()])

    const denial = bornAt(9, restriction('denial', [scanner.address], { ports }))
    const pushedMs = performance.now()
    await hold(...watch, denial)
    t.match(fleet.statuses(), [{ openConnections: { denial: [{ means }] } }], 'the status says so')
    await until('new connections are refused', async () => {
      const visit = await from('scanner')
      await Promise.race([visit.closed, new Promise((resolve) => { visit.socket.once('data', resolve) })])
      visit.socket.destroy()
      return visit.bytes() === 0 || undefined
    })
    if (goesOn) {
      const begun = taker.bytes()
      await taker.more()
      t.comment(`${taker.bytes() - begun} bytes more after the denial`)
      taker.socket.destroy()
    } else {
      const ms = await taker.closed - pushedMs
      t.comment(`bytes stopped ${ms.toFixed()} ms after the push`)
      t.ok(ms < GENEROUS_MS, 'soon')
    }
    await friend.more()

    fleet.apply([{ ...denial, spec: { ...denial.spec, expiresAt: new Date(Date.now() + 500).toISOString() } }])
    await until('all is as before', async () => isDeepStrictEqual(await configuration(), before) || undefined)
    // Its keeper looks a few times a second whom Envoy denies, and may cut a last one.
    await until('the suspect is served again', async () => {
      const visit = await from('scanner')
      const served = await Promise.race([visit.more().then(() => true, () => undefined), visit.closed.then(() => undefined)])
      visit.socket.destroy()
      return served
    })
    await friend.more()
  })
}
