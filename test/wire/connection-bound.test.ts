import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { boundConnections } from '../../src/wire/connection-bound.ts'

interface Bounded { readonly server: Server, readonly port: number, readonly dropped: () => number }

async function serve (t: Test, most: number, mostOfOne?: number): Promise<Bounded> {
  const server = createServer()
  let dropped = 0
  boundConnections(server, most, () => dropped++, mostOfOne)
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { server, port: (server.address() as AddressInfo).port, dropped: () => dropped }
}

/** Connected, and seen by the server. */
async function connected (t: Test, { server, port }: Bounded, localAddress: string): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port, localAddress }).on('error', () => undefined).resume()
  t.teardown(() => socket.destroy())
  await Promise.all([once(socket, 'connect'), once(server, 'connection')])
  return socket
}

async function several (t: Test, bounded: Bounded, count: number, localAddress: string): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let opened = 0; opened < count; opened++) sockets.push(await connected(t, bounded, localAddress))
  return sockets
}

t.test('over the bound the address that holds most loses its oldest, and nobody else one', async (t) => {
  const bounded = await serve(t, 4)
  const [quiet] = await several(t, bounded, 1, '127.0.0.2')
  const [first, ...loud] = await several(t, bounded, 3, '127.0.0.1')
  t.equal(bounded.dropped(), 0)
  const gone = first === undefined ? null : once(first, 'close')
  const [late] = await several(t, bounded, 1, '127.0.0.3')
  await gone
  t.equal(bounded.dropped(), 1)
  t.same([quiet, late, ...loud].map((socket) => socket?.destroyed), [false, false, false, false])
})

t.test('an address has a bound of its own', async (t) => {
  const bounded = await serve(t, 100, 2)
  const [first, second] = await several(t, bounded, 2, '127.0.0.1')
  await several(t, bounded, 2, '127.0.0.2')
  t.equal(bounded.dropped(), 0)
  const gone = first === undefined ? null : once(first, 'close')
  await several(t, bounded, 1, '127.0.0.1')
  await gone
  t.equal(bounded.dropped(), 1)
  t.equal(second?.destroyed, false)
})

t.test('a burst drops as many as are too many, and what has ended is not counted', async (t) => {
  const bounded = await serve(t, 8)
  const burst = Array.from({ length: 40 }, () => createConnection({ host: '127.0.0.1', port: bounded.port }).on('error', () => undefined).resume())
  t.teardown(() => { for (const socket of burst) socket.destroy() })
  await Promise.all(burst.map(async (socket) => socket.closed || once(socket, 'close').catch(() => undefined)).slice(0, 32))
  t.equal(bounded.dropped(), 32)
  t.equal(burst.filter(({ destroyed }) => !destroyed).length, 8)
})

t.test('callers that come and go are never too many', async (t) => {
  const bounded = await serve(t, 1)
  for (let call = 0; call < 20; call++) {
    const accepted = once(bounded.server, 'connection') as Promise<[Socket]>
    const [caller] = await several(t, bounded, 1, '127.0.0.1')
    const [socket] = await accepted
    caller?.end()
    if (!socket.resume().closed) await once(socket, 'close')
  }
  t.equal(bounded.dropped(), 0)
})
