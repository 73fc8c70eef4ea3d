import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export interface Target { readonly host: string, readonly port: number, readonly authorities: string }
export interface Load { readonly connections: number, readonly reviews: number }
export interface Measured { readonly perSecond: number, readonly latenciesMs: Float64Array }

/**
 * Posts the same body over connections that stay open, the next as soon as the one before is answered. HTTP is written
 * by hand: Node's client takes longer for a request than the server that is measured.
 */
export async function postReviews ({ host, port, authorities }: Target, body: string, { connections, reviews }: Load): Promise<Measured> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(host, port, authorities)))
  const request = Buffer.from(`POST /inject?timeout=2s HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  const latenciesMs = new Float64Array(reviews)
  let [asked, answered] = [0, 0]
  const startedMs = performance.now()
  await Promise.all(sockets.map(async (socket) => {
    while (asked < reviews) {
      asked++
      const atMs = performance.now()
      socket.write(request)
      await answer(socket)
      latenciesMs[answered++] = performance.now() - atMs
    }
  }))
  const perSecond = reviews / (performance.now() - startedMs) * 1000
  for (const socket of sockets) socket.destroy()
  return { perSecond, latenciesMs }
}

async function open (host: string, port: number, ca: string): Promise<TLSSocket> {
  const socket = connect({ host, port, ca })
  await once(socket, 'secureConnect')
  socket.setNoDelay(true)
  return socket
}

const LENGTH = /\r\ncontent-length: (\d+)\r\n/i

/** Resolves when one whole answer of status 200 has come. */
async function answer (socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  let [text, end] = ['', -1]
  const read = (chunk: Buffer): void => {
    text += chunk.toString('latin1')
    if (end === -1) {
      const head = text.indexOf('\r\n\r\n')
      if (head === -1) return
      if (!text.startsWith('HTTP/1.1 200 ')) reject(new Error(text.slice(0, 400)))
      end = head + 4 + Number(LENGTH.exec(text.slice(0, head + 2))?.[1])
    }
    if (text.length >= end) resolve(undefined)
  }
  const gone = (): void => reject(new Error('the server ended the connection'))
  socket.on('data', read)
  socket.once('close', gone)
  try {
    await promise
  } finally {
    socket.off('data', read)
    socket.off('close', gone)
  }
}
