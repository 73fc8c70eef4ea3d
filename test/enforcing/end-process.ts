// What each end of the tests' traffic runs, alone, in a pod or beside the nodes: it answers on every port and tries to reach others.
// Arguments: the ports, separated by commas. A line of JSON in, `{ id, attempts, timeoutMs }`, is a line out, `{ id, reached }`.
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'

interface Attempt { readonly protocol: 'TCP' | 'UDP', readonly source: string, readonly destination: string, readonly port: number }
interface Question { readonly id: number, readonly attempts: readonly Attempt[], readonly timeoutMs: number }

const ports = (process.argv.find((argument) => /^[\d,]+$/.test(argument)) ?? '').split(',').map(Number)
const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses).filter(({ family, internal }) => family === 'IPv4' && !internal)
const listening: Promise<void>[] = []
for (const { address } of own) {
  for (const port of ports) {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    createServer((socket) => { socket.on('error', () => socket.destroy()).resume() }).listen(port, address, () => resolve(undefined))
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

await Promise.all(listening)
createInterface(process.stdin).on('close', () => process.exit()).on('line', (line) => {
  const { id, attempts, timeoutMs } = JSON.parse(line) as Question
  Promise.all(attempts.map((attempt) => reaches(attempt, timeoutMs))).then((reached) => console.log(JSON.stringify({ id, reached })), (error: unknown) => { throw error })
})
