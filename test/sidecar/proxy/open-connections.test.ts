import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { openConnections, readConnection } from '../../../sidecar/proxy/open-connections.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'

t.test('a line of ss is read as the peer sees it, whatever the family', async (t) => {
  t.strictSame(readConnection('0      0          10.67.0.1:8080     10.67.0.3:40000 '), [{ family: 'ip', address: '10.67.0.3', port: 40_000, to: 8080 }])
  t.strictSame(readConnection('0      0      [::ffff:10.67.0.1]:8080 [::ffff:10.67.0.3]:40000'), [{ family: 'ip', address: '10.67.0.3', port: 40_000, to: 8080 }])
  t.strictSame(readConnection('0      0      [fd67::1]:8080 [fd67::3]:40000'), [{ family: 'ip6', address: 'fd67::3', port: 40_000, to: 8080 }])
  t.strictSame(readConnection('0      0      [fe80::1]%eth0:8080 [fe80::3]%eth0:40000'), [{ family: 'ip6', address: 'fe80::3', port: 40_000, to: 8080 }])
  for (const line of ['', '0 0 * *', 'Cannot open netlink socket']) t.strictSame(readConnection(line), [], line)
})

t.test('what is open now is found', { skip: skipWithout(['ss'].flatMap((name) => findTool(name).missing ?? [])) }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: to } = server.address() as AddressInfo
  const socket = connect(to, '127.0.0.1')
  t.teardown(() => {
    socket.destroy()
    server.close()
  })
  await once(socket, 'connect')
  const { localPort: port } = socket
  t.match((await openConnections()).filter((each) => each.to === to), [{ family: 'ip', address: '127.0.0.1', port, to }])
})
