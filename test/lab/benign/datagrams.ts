import { client } from './kind.ts'
import type { Kinds } from './kind.ts'

/** UDP of every kind. */
export const DATAGRAMS: Kinds = {
  call: {
    service: 'udp',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = random.pick([33, 50, 50])
      return { name: 'call', rate, pod: client(world, app), job: { kind: 'datagrams', host: app.address, port: random.pick(world.settings.udpPorts), rate, bytes: [160, 180], replyBytes: random.pick([172, 172, 800]), steady: true } }
    },
  },
  telemetry: {
    service: 'udp',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(1, 1500)
      return { name: 'telemetry', rate, pod: client(world, app), job: { kind: 'datagrams', host: app.address, port: random.pick(world.settings.udpPorts), rate, bytes: [40, random.magnitude(80, 1300)], replyBytes: 0, steady: false } }
    },
  },
  polling: {
    service: 'udp',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(1, 100) / 2
      return { name: 'polling', rate, pod: client(world, app), job: { kind: 'datagrams', host: app.address, port: random.pick(world.settings.udpPorts), rate, bytes: [45, 120], replyBytes: random.magnitude(48, 1200), steady: false, socketEveryMs: random.pick([0, 0, 2000, 600_000]) } }
    },
  },
  /** Asks all agents of a network in turn, each of which is another address. */
  agentPolling: {
    service: 'udp',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const hosts = random.sample(world.pod('targets').addresses, random.integer(5, 30))
      const pod = client(world, world.pod('targets'))
      const rate = world.rate(1, 40) / 40
      return hosts.map((host) => ({ name: 'agentPolling', rate, pod, job: { kind: 'datagrams' as const, host, port: world.settings.udpPorts[0] ?? 161, rate, bytes: [40, 90] as const, replyBytes: random.magnitude(60, 900), steady: false, socketEveryMs: 0 } }))
    },
  },
  gonePeer: {
    service: 'udp',
    looksLike: 'PORT_SCAN',
    draw: (world) => {
      const { random } = world
      const host = random.chance(0.5) ? world.nowhere() : random.pick(world.everyone).address
      const rate = world.rate(1, 250)
      return { name: 'gonePeer', rate, pod: random.pick(world.everyone), job: { kind: 'datagrams', host, port: random.pick([514, 8126, 4317, 6831, 40123]), rate, bytes: [60, 500], replyBytes: 0, steady: false, socketEveryMs: random.pick([0, 600_000]) } }
    },
  },
  quic: {
    service: 'udp',
    draw: (world) => {
      const { random } = world
      const app = random.pick(world.apps)
      const rate = world.rate(1, 20) / 2
      return { name: 'quic', rate, pod: client(world, app), job: { kind: 'bursts', host: app.address, port: random.pick(world.settings.udpPorts), rate, packets: [2, random.magnitude(5, 80)], replyBytes: random.pick([60, 1200, 1250]) } }
    },
  },
}
