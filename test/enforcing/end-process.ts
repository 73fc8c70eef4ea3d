// What each end of the tests' traffic runs, alone, in a pod or beside the nodes: it answers on every port, tries to reach others, and
// keeps talking to some. Arguments: the ports, separated by commas. A line of JSON in, a `Question`, is a line out with its `id`.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

interface Attempt { readonly protocol: 'TCP' | 'UDP', readonly source: string, readonly destination: string, readonly port: number }
/** `kept`: over one connection; `new`: over another each time. */
interface Talk { readonly kind: 'kept' | 'new', readonly source: string, readonly destination: string, readonly port: number }
interface Told { exchanges: number, readonly failures: string[] }
type Question =
  | { readonly id: number, readonly type: 'try', readonly attempts: readonly Attempt[], readonly timeoutMs: number }
  | { readonly id: number, readonly type: 'talk', readonly talks: readonly Talk[] }
  | { readonly id: number, readonly type: 'told' }
  | { readonly id: number, readonly type: 'pulse', readonly source: string, readonly destination: string, readonly port: number }
  | { readonly id: number, readonly type: 'pulses' }

const PERIOD_MS = 700
const ANSWER_WITHIN_MS = 10_000
const MOST_BYTES = 900
const PULSE_MS = 20

const ports = (process.argv.find((argument) => /^[\d,]+$/.test(argument)) ?? '').split(',').map(Number)
const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses).filter(({ family, internal }) => family === 'IPv4' && !internal)
const listening: Promise<void>[] = []
for (const { address } of own) {
  for (const port of ports) {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    createServer((socket) => { socket.on('error', () => socket.destroy()).pipe(socket) }).listen(port, address, () => resolve(undefined))
    const udp = createSocket('udp4')
    udp.on('message', (message, peer) => udp.send(message, peer.port, peer.address)).bind(port, address)
    listening.push(promise)
  }
}

/** Whether what was sent came through: a handshake, or a datagram and its answer. */
async function reaches ({ protocol, source, destination, port }: Attempt, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), timeoutMs)
  try {
    if (protocol === 'TCP') {
      const socket = connect({ host: destination, port, localAddress: source })
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      return await promise.finally(() => socket.resetAndDestroy())
    }
    const socket = createSocket('udp4')
    socket.on('message', () => resolve(true)).on('error', () => resolve(false)).bind(0, source, () => socket.send('?', port, destination))
    return await promise.finally(() => socket.close())
  } finally {
    clearTimeout(timer)
  }
}

const talking: Told[] = []

/** Never ends. */
async function talk ({ kind, source, destination, port }: Talk, told: Told): Promise<void> {
  let socket: Socket | null = null
  for (;;) {
    try {
      socket ??= await open(source, destination, port)
      await exchange(socket)
      told.exchanges++
      if (kind === 'kept') continue
      socket.end()
      socket = null
    } catch (error) {
      told.failures.push(`${new Date().toISOString()} ${kind} ${source} > ${destination}:${port}: ${String(error)}`)
      socket?.destroy()
      socket = null
    } finally {
      await delay(PERIOD_MS)
    }
  }
}

async function open (source: string, host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, localAddress: source }).on('error', () => undefined) // an exchange that waits hears of it, too
  await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).catch((error: unknown) => {
    socket.destroy()
    throw error
  })
  return socket
}

/** Sends something and has all of it back. */
async function exchange (socket: Socket): Promise<void> {
  let missing = 1 + Math.floor(Math.random() * MOST_BYTES)
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
  socket.write('x'.repeat(missing))
  while (missing > 0) {
    const [part] = await once(socket, 'data', { signal }) as [Buffer]
    missing -= part.length
  }
}

let beating: NodeJS.Timeout | null = null
let pulses: { atMs: number, answered: boolean }[] = []

/** Sends a datagram every so often, and remembers when each was sent and whether it came back; the one before ends. */
function pulse ({ source, destination, port }: { readonly source: string, readonly destination: string, readonly port: number }): void {
  if (beating !== null) clearInterval(beating)
  const sent: typeof pulses = pulses = []
  const socket = createSocket('udp4')
  socket.on('message', (message) => {
    const known = sent[Number(message)]
    if (known !== undefined) known.answered = true
  }).on('error', () => undefined).bind(0, source)
  beating = setInterval(() => {
    socket.send(String(sent.length), port, destination)
    sent.push({ atMs: Date.now(), answered: false })
  }, PULSE_MS)
}

async function answer (question: Question): Promise<object> {
  switch (question.type) {
    case 'try': return { reached: await Promise.all(question.attempts.map(async (attempt) => reaches(attempt, question.timeoutMs))) }
    case 'talk':
      for (const one of question.talks) {
        const told: Told = { exchanges: 0, failures: [] }
        talking.push(told)
        talk(one, told).catch((error: unknown) => { throw error })
      }
      return {}
    case 'told': return { talking }
    case 'pulse':
      pulse(question)
      return {}
    case 'pulses': return { sent: pulses }
  }
}

await Promise.all(listening)
createInterface(process.stdin).on('close', () => process.exit()).on('line', (line) => {
  const question = JSON.parse(line) as Question
  answer(question).then((answered) => console.log(JSON.stringify({ id: question.id, ...answered })), (error: unknown) => { throw error })
})
