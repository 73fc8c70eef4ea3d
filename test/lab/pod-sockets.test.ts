import { once } from 'node:events'
import t from 'tap'
import { skipWithout } from '../setup/tools.ts'
import { Lab, missingForLab } from './lab.ts'
import { PodSockets } from './pod-sockets.ts'

const skip = skipWithout(missingForLab())

t.test('sockets of two pods meet in one process, with the addresses and the closes that they have', { skip }, async (t) => {
  await using lab = await Lab.start({ pods: [{ name: 'server', address: '10.66.0.1', alsoAt: ['fd66::1'] }, { name: 'client', address: '10.66.0.2', alsoAt: ['10.66.0.3', 'fd66::2'] }] })
  await using there = new PodSockets(lab.pod('server'))
  await using here = new PodSockets(lab.pod('client'))
  const server = await there.listen(80, '::')
  server.on('connection', (socket) => socket.on('error', () => undefined).end(`220 ${socket.remoteAddress ?? ''}`))
  for (const [host, from, seen] of [['10.66.0.1', undefined, '::ffff:10.66.0.2'], ['10.66.0.1', '10.66.0.3', '::ffff:10.66.0.3'], ['fd66::1', undefined, 'fd66::2']] as const) {
    const socket = await here.connect(host, 80, from)
    const closed = once(socket, 'close')
    t.equal(String((await once(socket, 'data'))[0]), `220 ${seen}`)
    await closed
  }
  await t.rejects(here.connect('10.66.0.1', 81), /ECONNREFUSED/)
})
