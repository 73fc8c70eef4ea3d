import { STREAM_PORT } from '../settings.ts'
import { client } from './kind.ts'
import type { Kinds } from './kind.ts'

/** Services that call each other. */
export const RPC: Kinds = {
  streams: {
    service: 'grpc',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(2, 500)
      return { name: 'streams', rate, pod: client(world, app), job: { kind: 'stream', authority: `http://${app.address}:${STREAM_PORT}`, streams: random.integer(1, 20), rate, requestBytes: random.magnitude(20, 3000), responseBytes: random.magnitude(20, 8000) } }
    },
  },
  rpc: {
    service: 'rpc',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(1, 300)
      return { name: 'rpc', rate, pod: client(world, app), job: { kind: 'rpc', host: app.address, port: random.pick(world.settings.tcpPorts), connections: random.integer(1, 30), rate, requestBytes: [10, random.magnitude(20, 4000)], responseBytes: [10, random.magnitude(100, 20_000)], requestsPerConnection: random.pick([1, 1, 3, 20, 1000, 100_000]) } }
    },
  },
  /** Many small questions on few connections, as directory and management services have them. */
  smallCalls: {
    service: 'rpc',
    looksLike: 'LATERAL_MOVEMENT',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(10, 1500)
      return { name: 'smallCalls', rate, pod: client(world, app), job: { kind: 'rpc', host: app.address, port: random.pick(world.settings.tcpPorts), connections: random.integer(1, 6), rate, requestBytes: [16, random.magnitude(40, 260)], responseBytes: [16, random.magnitude(40, 600)], requestsPerConnection: random.pick([30, 300, 100_000]) } }
    },
  },
  bulkRpc: {
    service: 'rpc',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const upstream = random.chance(0.5)
      const large: [number, number] = [1000, random.magnitude(20_000, 1_500_000)]
      const rate = random.magnitude(1, 12)
      return { name: 'bulkRpc', rate, pod: client(world, app), job: { kind: 'rpc', host: app.address, port: random.pick(world.settings.tcpPorts), connections: random.integer(1, 4), rate, requestBytes: upstream ? large : [20, 200], responseBytes: upstream ? [20, 200] : large, requestsPerConnection: random.pick([1, 30, 1000]) } }
    },
  },
  /** Logs and traces that are sent away without end. */
  logShipping: {
    service: 'rpc',
    looksLike: 'DATA_EXFILTRATION',
    draw: (world) => {
      const { random } = world
      const outside = world.pod('outside')
      const rate = world.rate(1, 50)
      return { name: 'logShipping', rate, pod: client(world, outside), job: { kind: 'rpc', host: outside.address, port: random.pick(world.settings.tcpPorts), connections: 1, rate, requestBytes: [80, random.magnitude(200, 12_000)], responseBytes: [2, 12], requestsPerConnection: 100_000 } }
    },
  },
  idle: {
    service: 'rpc',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      return { name: 'idle', rate: null, pod: client(world, app), job: { kind: 'idle', host: app.address, port: random.pick(world.settings.tcpPorts), connections: random.integer(1, 40), everyMs: random.pick([1000, 5000, 15_000, 30_000, 60_000]) } }
    },
  },
}
