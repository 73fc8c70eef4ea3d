// Opens sockets in the network that it was started in, for the process that started it: they live on in that one.
import { connect, createServer } from 'node:net'
import type { SocketOrder, SocketReport } from '../pod-sockets.ts'

const report = (message: SocketReport): void => { process.send?.(message) }

process.on('message', ({ id, kind, host, port, from }: SocketOrder) => {
  if (kind === 'listen') {
    const server = createServer().on('error', ({ message }) => report({ id, error: message }))
    server.listen({ host, port, backlog: 1024 }, () => process.send?.({ id, error: null } satisfies SocketReport, server, undefined, () => server.close())) // else it would take connections, too
    return
  }
  const failed = ({ message }: Error): void => report({ id, error: message })
  const socket = connect({ host, port, localAddress: from }).on('error', failed).pause() // what comes first is read where it is wanted
  socket.on('connect', () => {
    socket.off('error', failed).on('error', () => undefined)
    process.send?.({ id, error: null } satisfies SocketReport, socket)
  })
})
process.on('disconnect', () => process.exit())
