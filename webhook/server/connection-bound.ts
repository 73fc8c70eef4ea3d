import type { Server, Socket } from 'node:net'

/**
 * Keeps the connections of a server within `most`: over it, the address that has most of them loses its newest. So
 * whoever opens thousands pushes out its own, and not those of the API server. (Node's `maxConnections` refuses whoever
 * comes last, which would be the API server.)
 */
export function boundConnections (server: Server, most: number, onDropped: () => void): void {
  const byAddress = new Map<string, Set<Socket>>()
  let count = 0
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const own = byAddress.get(address) ?? new Set()
    byAddress.set(address, own.add(socket))
    count++
    socket.once('close', () => {
      count--
      own.delete(socket)
      if (own.size === 0 && byAddress.get(address) === own) byAddress.delete(address)
    })
    if (count <= most) return
    const noisiest = [...byAddress.values()].reduce((a, b) => b.size > a.size ? b : a)
    const newest = [...noisiest].at(-1)
    newest?.destroy()
    onDropped()
  })
}
