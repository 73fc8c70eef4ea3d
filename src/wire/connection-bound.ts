import type { Server, Socket } from 'node:net'

/**
 * Keeps the connections of a server within `most`: over it, the address that has most of them loses its oldest. So whoever opens thousands
 * pushes out its own and nobody else's, and whoever holds every place does not keep out even a caller of the same address. (Node's
 * `maxConnections` refuses whoever comes last, which is the kubelet or the API server.) `mostOfOne` bounds each address in the same way.
 */
export function boundConnections (server: Server, most: number, onDropped: () => void, mostOfOne = most): void {
  const byAddress = new Map<string, Set<Socket>>()
  let count = 0
  const leave = (address: string, socket: Socket): void => {
    const own = byAddress.get(address)
    if (own?.delete(socket) !== true) return
    count--
    if (own.size === 0) byAddress.delete(address)
  }
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const own = byAddress.get(address) ?? new Set()
    byAddress.set(address, own.add(socket))
    count++
    socket.once('close', () => leave(address, socket))
    if (count <= most && own.size <= mostOfOne) return
    const [noisiest, [oldest]] = own.size > mostOfOne ? [address, own] : [...byAddress].reduce((a, b) => b[1].size > a[1].size ? b : a)
    if (oldest === undefined) return
    leave(noisiest, oldest) // now, not when it has closed: the next one may come before
    oldest.destroy()
    onDropped()
  })
}
